"""Images and links in a bot's messages, in the chat and for teammates."""

from __future__ import annotations

import aiohttp

from bot.config import Settings
from bot.flows.publish import create
from bot.flows.steps import Say
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.conftest import Visitor, serving
from tests.people import greets
from tests.widget.help import read

HELLO = Say.model_validate(
    {
        "id": "hi",
        "text": "Our new roast",
        "image": {"url": "https://cdn.shop.example/roast.png", "alt": "A bag of beans"},
        "links": [{"label": "See it", "url": "https://shop.example/roast"}],
    }
)


async def test_an_image_and_links_are_shown_and_only_named_hosts_may_be_loaded(
    mongo: EmbeddedServer, demo_store: Store, settings: Settings
) -> None:
    await create(demo_store, greets(HELLO), id="hello")
    await demo_store.flows.update({"_id": "hello"}, {"$set": {"order": -1}})
    allowed = settings.model_copy(update={"image_hosts": "cdn.shop.example"})
    async with open_store(mongo.url, "sayso_test") as own, serving(own, allowed) as running:
        base = str(running.make_url("")).rstrip("/")
        async with aiohttp.ClientSession() as session:
            opened = read((await Visitor(session, base).open())["html"])
            async with session.get(f"{base}/messenger") as answer:
                headers = answer.headers
    image, link = opened.one("img", class_="part-image"), opened.one("a", class_="reply")
    assert (image.attrs["src"], image.attrs["alt"]) == ("https://cdn.shop.example/roast.png", "A bag of beans")
    assert (link.attrs["href"], link.text, link.attrs["target"]) == ("https://shop.example/roast", "See it", "_blank")
    assert "img-src 'self' data: https://cdn.shop.example;" in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Embedder-Policy"] == "credentialless"
