"""Law 12: whatever people and workspaces write is text. It never becomes markup, and no page would run it if it did."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.config import Settings
from bot.demo import BRAND, DEALS, FLOW
from bot.flows.publish import publish
from bot.flows.steps import OptInForm, Say
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.conftest import Visitor, eventually, serving
from tests.people import greets
from tests.widget.help import Card, Node, Running, read

SCRIPT = "<script>alert('say so')</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
QUOTES = "'\"`</title></textarea></style>--><svg/onload=alert(1)>"
LINKS = (
    "[a](javascript:alert(1)) [b](data:text/html,x) [c](JaVaScRiPt:alert(1)) javascript:alert(1) [d](//evil.example)"
)
EVIL = f"{SCRIPT}{IMAGE}"
TITLE, BUTTON = f"{EVIL} title", f"{IMAGE} button"
LEGAL = f'{SCRIPT}{QUOTES} {LINKS} [Terms](https://shop.example/terms?a=1&b="2) {{{{ 7 * 7 }}}} legal'
MESSAGE = f"{SCRIPT}{QUOTES}{LINKS} [Click](https://evil.example) https://shop.example/?q=<b> message"
SAFE = {"http", "https", "mailto"}
HELD = {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "base-uri": "'none'"}


@dataclass
class Evil:
    running: Running
    person: Visitor


@pytest.fixture
async def evil(mongo: EmbeddedServer, demo_store: Store, settings: Settings) -> AsyncIterator[Evil]:
    """A workspace in which every word is an attack, and a visitor whose words are."""
    await _poison(demo_store)
    settings = settings.model_copy(update={"sites": "https://shop.example https://other.example"})
    async with (
        open_store(mongo.url, "sayso_test") as store,
        serving(store, settings) as server,
        aiohttp.ClientSession(headers={"User-Agent": EVIL}) as session,
    ):
        running = Running(server, store, settings, session)
        yield Evil(running, Visitor(session, running.base))


async def _poison(store: Store) -> None:
    await store.workspaces.update(
        {"_id": "workspace"}, {"$set": {"name": f"{EVIL} name", "support": f"{IMAGE}@shop.example"}}
    )
    words = {"name": f"{EVIL} subscription", "description": f"{QUOTES} description"}
    await store.subscriptions.update({"_id": DEALS}, {"$set": {**words, "translations": {}}})
    hello = Say(id="hello", text=f"{EVIL} {LINKS} hello")
    form = OptInForm(id="form", subscription=DEALS, title=TITLE, button=BUTTON[:60], legal_text=LEGAL)
    await publish(store, FLOW, greets(hello, form, Say(id="thanks", text="Thank you!")))


def harmless(html: str) -> Node:
    """Nothing in it runs, draws or leads anywhere that we did not mean."""
    root = read(html)
    for node in root.walk():
        assert node.tag not in {"style", "img", "iframe", "object", "embed", "base"}, node
        handlers = [name for name in node.attrs if name.startswith("on") or name in {"style", "srcdoc"}]
        assert not handlers, f"<{node.tag} {handlers}>"
        if node.tag == "script":
            assert node.attrs.get("type") == "application/json" or node.attrs.get("src"), "an inline script"
        for name in ("href", "src", "action", "hx-post", "hx-get"):
            address = node.attrs.get(name, "")
            where = urlsplit(address)
            assert where.scheme in SAFE or (not where.scheme and not where.netloc) or address == "data:,", address
    return root


async def test_every_word_comes_out_as_it_went_in_and_as_text(evil: Evil) -> None:
    person, running = evil.person, evil.running
    opened = await person.open(name=EVIL, locale=EVIL, page_url="javascript:alert(1)", page_title=EVIL)
    thread = harmless(opened["html"])
    card = Card(opened["html"])
    assert card.title == TITLE
    assert card.root.one("span", class_="card-button-idle").text == BUTTON[:60]
    legal = card.root.one("p", class_="card-legal")
    assert "{{ 7 * 7 }} legal" in legal.text
    assert SCRIPT in legal.text
    assert [a.attrs["href"] for a in legal.all("a")] == ["https://shop.example/terms?a=1&b=%222"]
    assert {a.attrs["rel"] for a in legal.all("a")} == {"noopener noreferrer nofollow"}
    assert thread.all("li")[0].attrs["data-author"] == f"{EVIL} name"
    assert thread.all("li")[0].one("div", class_="bubble").all("a") == []

    _, refused = await person.submit(f"{EVIL}5")
    harmless(refused)
    assert Card(refused).field.attrs["value"] == f"{EVIL}5"
    _, reworded = await person.submit(version=EVIL)
    harmless(reworded)
    status, done = await person.submit(page=f"javascript:{EVIL}")
    assert status == 200
    assert harmless(done).one("p", class_="card-what").text == f"{EVIL} subscription"
    (event,) = await running.events(person)
    assert event.words
    assert (event.words.title, event.words.legal_text) == (TITLE, LEGAL)
    assert (event.context.page, event.context.user_agent) == (f"javascript:{EVIL}", EVIL)


async def test_a_message_is_text_and_shows_where_its_links_go(evil: Evil) -> None:
    person = evil.person
    await person.open()
    room = f"{person.base}/messenger/conversations/{person.conversation}"
    async with person.session.ws_connect(f"{person.base}/messenger/live", origin=person.base) as socket:
        greeting = {"type": "hello", "token": person.token, "conversation": person.conversation, "after": 2}
        await socket.send_json(greeting)
        await socket.receive_json()
        message = {"key": "message-1", "text": MESSAGE}
        async with person.session.post(f"{room}/messages", json=message, headers=person.headers) as answer:
            answered = (await answer.json())["html"]
        pushed = (await socket.receive_json())["html"]
    async with person.session.get(f"{room}/parts?before=4", headers=person.headers) as answer:
        older = await answer.text()
    for html in (answered, pushed, older, (await person.open())["html"]):
        bubble = harmless(html).all("li", class_="mine")[-1].one("div", class_="bubble")
        assert bubble.text == MESSAGE
        assert [a.text for a in bubble.all("a")] == ["https://evil.example", "https://shop.example/?q="]
    async with person.session.get(f"{person.base}/messenger/conversations", headers=person.headers) as answer:
        listed = harmless(await answer.text())
    assert listed.one("span", class_="conv-title").text == MESSAGE[:120]


async def test_pages_and_texts_are_text(evil: Evil) -> None:
    person, running = evil.person, evil.running
    await person.open()
    await person.submit()
    await running.quiet(person)
    texts = await eventually(lambda: running.bot.phone.texts("+12015550123"))
    token = re.search(r"/p/([\w-]+)", texts[0].body)
    assert token
    number = {"number": "+12015550123", "body": f"{EVIL} reply"}
    async with person.session.post(f"{person.base}/demo/phone", data=number) as answer:
        phone = harmless(await answer.text())
    assert [li.one("p").text for li in phone.all("li", class_="text")][-1] == f"{EVIL} reply"
    async with person.session.get(f"{person.base}{token[0]}") as answer:
        preferences = harmless(await answer.text())
    assert preferences.one(id=f"name-{DEALS}").text == f"{EVIL} subscription"
    assert preferences.one("title").text == f"Your text preferences · {EVIL} name"
    for form in (
        {"change": EVIL},
        {"change": "opt_out", "subscription": EVIL},
        {"change": "opt_out", "subscription": DEALS},
    ):
        async with person.session.post(f"{person.base}{token[0]}", data=form) as answer:
            harmless(await answer.text())
    html = {"Accept": "text/html"}
    for path in (
        "/messenger",
        "/demo",
        "/demo/terms",
        "/demo/phone",
        "/p/unknown",
        f"/{EVIL}",
        f"/demo/phone?number={EVIL}",
    ):
        async with person.session.get(person.base + path, headers=html) as answer:
            page = await answer.text()
            harmless(page)
            assert SCRIPT not in page
            assert f"{IMAGE}@" not in page


async def test_the_launcher_carries_the_name_as_data(evil: Evil) -> None:
    async with evil.person.session.get(f"{evil.person.base}/widget.js") as answer:
        script = await answer.text()
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    start = script.index("const config=") + len("const config=")
    config, end = json.JSONDecoder().raw_decode(script, start)
    assert "<" not in script[start:end]
    assert script[start:end].isascii()
    assert (config["brand"], config["ink"]) == (BRAND, "#ffffff")
    assert config["words"]["title"] == f"Chat with {EVIL} name"
    assert "__SAYSO_CONFIG__" not in script


async def test_each_page_holds_its_own_with_a_policy(evil: Evil) -> None:
    person = evil.person
    await person.open()
    _, refused = await person.submit("x")
    assert refused
    paths = {
        "/messenger": "https://shop.example https://other.example",
        "/p/unknown": "'none'",
        "/demo": "'none'",
        "/demo/terms": "'none'",
        "/demo/phone": "'none'",
        "/nothing-here": "'none'",
        "/messenger/conversations": "'none'",
    }
    for path, ancestors in paths.items():
        headers = {"Accept": "text/html", **person.headers}
        async with person.session.get(person.base + path, headers=headers) as answer:
            assert answer.content_type == "text/html", path
            policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert policy["frame-ancestors"] == ancestors, path
        for name, value in HELD.items():
            assert value in policy[name].split(), (path, name)
        assert "unsafe" not in str(policy)


async def test_where_no_sites_are_named_any_may_embed_the_messenger(visitor: Visitor) -> None:
    async with visitor.session.get(f"{visitor.base}/messenger") as answer:
        assert answer.headers["Content-Security-Policy"].endswith("frame-ancestors *")
        assert "X-Frame-Options" not in answer.headers


async def test_the_words_of_the_page_in_the_frame_are_data_too(evil: Evil) -> None:
    async with evil.person.session.get(f"{evil.person.base}/messenger") as answer:
        root = harmless(await answer.text())
    (strings,) = root.all("script", type="application/json")
    assert json.loads(strings.text)["you"] == "You"
    (config,) = root.all("meta", name="htmx-config")
    assert json.loads(config.attrs["content"])["allowEval"] is False


async def test_a_name_is_never_a_header(evil: Evil) -> None:
    async def ready() -> bool:
        async with evil.person.session.get(f"{evil.person.base}/readyz") as answer:
            return answer.status == 200 and all("alert" not in value for value in answer.headers.values())

    assert await eventually(ready)
