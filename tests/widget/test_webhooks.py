"""Settings > Webhooks: adding an endpoint, testing it, reading attempts, replaying, disabling."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from bot.config import Settings
from bot.model.base import new_id
from bot.model.teammate import By
from bot.model.webhook import Topic
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.conftest import Visitor, eventually, serving
from tests.webhooks.people import LOOPBACK
from tests.webhooks.receiver import Receiver, receiving
from tests.widget.desk import Desk, at_desk
from tests.widget.help import Running
from widget.web.http import BOT

PATH = "/settings/webhooks"
SIGN_UPS = {"topics.granular-subscribe": "on"}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def sayso(mongo: EmbeddedServer, demo_store: Store, settings: Settings) -> AsyncIterator[Running]:
    settings = settings.model_copy(update={"webhook_networks": LOOPBACK})
    async with (
        open_store(mongo.url, "sayso_test") as own,
        serving(own, settings) as server,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield Running(server, own, settings, session)


async def added(desk: Desk, receiver: Receiver, **more: str) -> tuple[str, str]:
    """The path of a new endpoint, and its secret."""
    id = new_id()
    form = {"key": id, "url": receiver.url, "name": "Billing", **SIGN_UPS, **more}
    status, page = await desk.post(PATH, form)
    assert status == 200, page.text
    return f"{PATH}/{id}", page.one("input", id="secret").attrs["value"]


async def test_a_sign_up_arrives_signed_and_its_attempt_can_be_read(sayso: Running, receiver: Receiver) -> None:
    async with at_desk(sayso.base) as ada:
        path, secret = await added(ada, receiver)
        visitor = Visitor(sayso.session, sayso.base)
        await visitor.open()
        await visitor.submit("(201) 555-0147")
        await eventually(lambda: _count(receiver, 1))
        (request,) = receiver.requests
        assert Webhook(secret).verify(request.body, request.headers)["topic"] == Topic.GRANULAR_SUBSCRIBE
        page = await eventually(lambda: _page_with(ada, path, "Delivered"))
        (link,) = [a.attrs["href"] for a in page.all("a") if "/notifications/" in a.attrs["href"]]
        text = (await ada.look(link)).text
        for words in ("granular.subscribe", "200", "ok", '"granular_subscribe"', request.headers["webhook-id"]):
            assert words in text
        assert secret not in (await ada.look(path)).text, "it is shown once"
        again = {"key": path.rpartition("/")[2], "url": receiver.url, **SIGN_UPS}
        status, page = await ada.post(PATH, again)
        assert (status, page.all("input", id="secret"), secret in page.text) == (200, [], False)
        await ada.post(f"{link}/replay", {})
        await eventually(lambda: _count(receiver, 2))
        assert receiver.requests[1].headers["webhook-id"] == request.headers["webhook-id"]


async def _count(receiver: Receiver, count: int) -> bool:
    return len(receiver.requests) >= count


async def _page_with(desk: Desk, path: str, words: str) -> object:
    page = await desk.look(path)
    return page if words in page.text else None


async def test_a_test_notification_shows_what_the_endpoint_answered(sayso: Running, receiver: Receiver) -> None:
    receiver.answer = lambda _request: web.Response(status=302, headers={"Location": "/"}, text="<b>Moved</b>")
    async with at_desk(sayso.base) as ada:
        path, _secret = await added(ada, receiver)
        status, _page = await ada.post(f"{path}/test", {"key": new_id()})
        assert status == 303
        text = await eventually(lambda: _text_with(ada, ada.location, "302"))
        assert "<b>Moved</b>" in text, "an answer is data"
        assert "Pending" in text
        assert "Failing" in (await ada.look(path)).text


async def _text_with(desk: Desk, path: str, words: str) -> str:
    text = (await desk.look(path)).text
    return text if words in text else ""


async def test_an_endpoint_is_changed_disabled_enabled_and_removed(sayso: Running, receiver: Receiver) -> None:
    async with at_desk(sayso.base) as ada:
        path, _secret = await added(ada, receiver)
        changed = {"url": f"{receiver.url}/2", "name": "", "topics.consent-recorded": "on"}
        assert (await ada.post(path, changed))[0] == 303
        page = await ada.look(path)
        assert page.one("h1").text == f"{receiver.url}/2"
        ticked = [box.attrs["name"] for box in page.all("input", type="checkbox") if "checked" in box.attrs]
        assert ticked == ["topics.consent-recorded"]
        await ada.post(f"{path}/disable", {})
        assert "Disabled" in (await ada.look(path)).text
        await ada.post(f"{path}/enable", {})
        assert "Enabled" in (await ada.look(path)).text
        await ada.post(f"{path}/remove", {})
        assert (await ada.get(path))[0] == 404


async def test_secrets_are_rotated(sayso: Running, receiver: Receiver) -> None:
    async with at_desk(sayso.base) as ada:
        path, first = await added(ada, receiver)
        key = new_id()
        _status, page = await ada.post(f"{path}/secrets", {"key": key})
        second = page.one("input", id="secret").attrs["value"]
        assert second != first
        _status, page = await ada.post(f"{path}/secrets", {"key": key})
        assert not page.all("input", id="secret"), "the same form again shows it no second time"
        assert (await ada.post(f"{path}/secrets", {"key": new_id()}))[0] == 422
        await ada.post(f"{path}/secrets/{key}/revoke", {})
        assert "Secret revoked" in await ada.said()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"url": "https://169.254.169.254/", **SIGN_UPS}, "public addresses only"),
        ({"url": "ftp://example.com/", **SIGN_UPS}, "like https://example.com/webhooks"),
        ({"url": "https://example.com/"}, "Choose at least one topic."),
        ({"url": "https://example.com/", "topics.coffee": "on"}, "Nothing was saved"),
    ],
)
async def test_a_bad_form_says_what_to_do(running: Running, form: dict[str, str], words: str) -> None:
    async with at_desk(running.base) as ada:
        status, page = await ada.post(PATH, {"key": new_id(), **form})
        assert (status, words in page.text) == (422, True), page.text
        assert page.one("input", id="url").attrs["value"] == form["url"]


async def test_admins_are_told_on_every_page_that_an_endpoint_was_disabled(sayso: Running, receiver: Receiver) -> None:
    receiver.answer = lambda _request: web.Response(status=410)
    bot = sayso.server.app[BOT]
    endpoint, _secret = await bot.webhooks.add(receiver.url, "Billing", (Topic.PING,), By("ada", "Ada"))
    await bot.webhooks.ping(endpoint.id, By("ada", "Ada"), "key")
    async with at_desk(sayso.base) as ada:
        page = await eventually(lambda: _page_with(ada, "/contacts", "Sayso stopped sending webhooks to Billing."))
        assert page
    async with at_desk(sayso.base, "ben@example.com") as ben:
        assert "webhooks" not in (await ben.look("/contacts")).text


async def test_a_period_needs_dates(sayso: Running, receiver: Receiver) -> None:
    async with at_desk(sayso.base) as ada:
        path, _secret = await added(ada, receiver)
        status, page = await ada.post(f"{path}/replay", {"since": "soon", "until": "2026-11-30T10:00"})
        assert (status, "Enter a date and a time." in page.text) == (422, True)
        await ada.post(f"{path}/test", {"key": new_id()})
        period = {"since": "2020-01-01T00:00", "until": "2099-01-01T00:00"}
        assert (await ada.post(f"{path}/replay", period))[0] == 303
        assert "again: 1" in await ada.said()
