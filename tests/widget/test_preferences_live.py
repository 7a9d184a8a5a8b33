"""An open preference center hears of every change that was made elsewhere, and of nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import pytest

from bot.demo import DEALS, ORDERS
from bot.model.base import new_id
from bot.model.event import Action, Actor, Source
from bot.model.subscription import MessageType, SubscriptionState
from bot.workspace.subscriptions import By
from tests.conftest import PATIENCE, Visitor, eventually
from tests.people import change
from tests.widget.help import Running, closed, read
from tests.widget.test_live import silent
from widget.preferences import live

Socket = aiohttp.ClientWebSocketResponse


@pytest.fixture
async def path(visitor: Visitor, running: Running) -> str:
    """Of somebody who gets the deals."""
    await visitor.submit("(201) 555-0151")
    await running.quiet(visitor)
    return f"/p/{await running.preference_token(visitor)}"


async def dial(running: Running, path: str, origin: str | None = None) -> Socket:
    return await running.session.ws_connect(f"{running.base}{path}/live", origin=origin or running.base)


async def said(socket: Socket) -> dict[str, str]:
    async with asyncio.timeout(PATIENCE):
        message: dict[str, str] = await socket.receive_json()
        return message


async def shown(running: Running, path: str) -> tuple[dict[str, bool], str]:
    async with running.session.get(running.base + path) as answer:
        page = read(await answer.text())
    switches = page.all("button", role="switch")
    stand = page.one("div", id="choices").attrs["data-stand"]
    return {b.attrs["id"].removeprefix("switch-"): b.attrs["aria-checked"] == "true" for b in switches}, stand


async def test_it_begins_with_how_things_stand_so_that_what_was_missed_shows(running: Running, path: str) -> None:
    async with await dial(running, path) as socket:
        ready = await said(socket)
        assert (ready["type"], ready["stand"]) == ("ready", (await shown(running, path))[1])


@pytest.mark.parametrize("by", ["another tab", "a teammate", "STOP", "START", "the subscription"])
async def test_whoever_changes_something_is_heard(running: Running, path: str, visitor: Visitor, by: str) -> None:
    contact, number = (await running.contact(visitor)).id, "+12015550151"
    if by == "START":
        await running.bot.receive(number, "STOP", new_id())
    async with await dial(running, path) as socket:
        before = (await said(socket))["stand"]
        if by == "another tab":
            async with running.session.post(running.base + path, data={"change": "stop_all"}) as answer:
                assert answer.status == 200
        elif by == "a teammate":
            teammate = Actor(kind="teammate", id="ada")
            await running.bot.ledger.record(
                change(contact, new_id(), Action.OPT_OUT, source=Source.PROFILE, actor=teammate, number=number)
            )
        elif by == "the subscription":
            version = (await running.bot.subscriptions.get(ORDERS)).version
            await running.bot.subscriptions.archive(ORDERS, version, By("ada", "Ada"))
        else:
            await running.bot.receive(number, by, new_id())
        try:
            assert await said(socket) == {"type": "changed"}
            switches, after = await shown(running, path)
            assert after != before
            assert by in {"START", "the subscription"} or switches[DEALS] is False
        finally:
            if by == "the subscription":
                await running.store.subscriptions.update({"_id": ORDERS}, {"$set": {"state": SubscriptionState.LIVE}})
            if "ST" in by:
                await running.bot.receive(number, "START", new_id())


async def test_a_stop_of_a_number_that_the_person_has_since_is_heard(running: Running, visitor: Visitor) -> None:
    await running.act(visitor)
    contact, number = (await running.contact(visitor)).id, "+12015550153"
    path = f"/p/{await running.bot.preferences.make_link(contact, MessageType.SMS)}"
    async with await dial(running, path) as socket:
        await said(socket)
        await visitor.submit(number)
        async with running.session.post(running.base + path, data={"change": "stop_all"}) as answer:
            assert answer.status == 200
        await silent(socket)
        await running.bot.receive(number, "STOP", new_id())
        try:
            assert await said(socket) == {"type": "changed"}
        finally:
            await running.bot.receive(number, "START", new_id())


async def test_what_is_nobody_elses_business_is_not_heard(
    running: Running, path: str, stranger: Visitor, visitor: Visitor
) -> None:
    contact = (await running.contact(visitor)).id
    async with await dial(running, path) as socket:
        await said(socket)
        await stranger.submit("(201) 555-0152")
        await running.bot.receive("+12015550152", "STOP", new_id())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await socket.receive()
        await running.bot.ledger.record(change(contact, new_id(), Action.OPT_OUT, number="+12015550151"))
        assert await said(socket) == {"type": "changed"}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", ""])
async def test_another_site_gets_no_line(running: Running, path: str, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await dial(running, path, origin or "http://127.0.0.1.evil.example")
    assert refused.value.status == 403


async def test_a_link_that_is_not_good_gets_no_line(running: Running, path: str, visitor: Visitor) -> None:
    async with await dial(running, "/p/unknown") as socket:
        assert await closed(socket) == 4401
    await running.bot.preferences.revoke((await running.contact(visitor)).id)
    async with await dial(running, path) as socket:
        assert await closed(socket) == 4401


async def test_a_person_holds_a_few_lines_and_no_more(running: Running, path: str) -> None:
    lines = [await dial(running, path) for _ in range(live.MOST)]
    for line in lines:
        await said(line)
    async with await dial(running, path) as one_too_many:
        assert await closed(one_too_many) == aiohttp.WSCloseCode.POLICY_VIOLATION
    for line in lines:
        await line.close()

    async def forgotten() -> bool:
        return not running.server.app[live.OPEN]

    await eventually(forgotten)
    async with await dial(running, path) as again:
        assert (await said(again))["type"] == "ready"


async def test_the_log_names_no_token(
    running: Running, path: str, caplog: pytest.LogCaptureFixture, newcomer: Callable[[], Visitor]
) -> None:
    with caplog.at_level("DEBUG"):
        async with await dial(running, path) as socket:
            await said(socket)
    assert path.removeprefix("/p/") not in caplog.text
