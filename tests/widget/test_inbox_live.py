"""The inbox's live line: both sides see each other across processes, nobody else does; nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from bot.demo import DEALS
from bot.errors import StoreUnavailable
from bot.model.base import new_id
from bot.model.event import Action
from bot.workspace.subscriptions import By
from tests.conftest import Visitor, eventually
from tests.people import AT, change, tells_number
from tests.widget import test_live as visitors_line
from tests.widget.desk import BEN, Desk, at_desk
from tests.widget.help import Running, closed, read
from tests.widget.test_live import heard, is_ready, say, silent
from widget.inbox import live

Socket = aiohttp.ClientWebSocketResponse


@pytest.fixture
async def visitor(visitor: Visitor, running: Running) -> Visitor:
    """Somebody who did something in their chat, so that teammates can open it."""
    return await running.act(visitor)


async def dial(desk: Desk, conversation: str = "", after: int = 0, **change: Any) -> Socket:
    socket = await desk.session.ws_connect(f"{desk.base}/inbox/live", origin=desk.base)
    await socket.send_json({"type": "hello", "conversation": conversation, "after": after, **change})
    return socket


@pytest.fixture
async def elsewhere(other_process: str) -> AsyncIterator[Desk]:
    """Ben, at a desk whose pages another process serves."""
    async with at_desk(other_process, BEN) as desk:
        yield desk


def of_kind(kind: str, **values: Any) -> Callable[[dict[str, Any]], bool]:
    return lambda m: m["type"] == kind and all(m.get(k) == v for k, v in values.items())


def form_is(turned_off: bool) -> Callable[[dict[str, Any]], bool]:
    """The form's entry, drawn as of now: it may come again and again, one time as it was before."""
    return lambda m: (
        m.get("seq") == 2 and "Signed up" in m["html"] and ("later unsubscribed" in m["html"]) is turned_off
    )


async def test_hello_is_answered_with_all_that_came_after(ben: Desk, visitor: Visitor, running: Running) -> None:
    await say(visitor, "Hi", new_id())
    await running.bot.inbox.note(visitor.conversation, "x", "Hm", "n")
    for after, seqs in ((0, [1, 2, 3, 4]), (3, [4]), (4, [])):
        async with await dial(ben, visitor.conversation, after) as socket:
            found = await heard(socket, is_ready)
            new = [m["seq"] for m in found if m["type"] == "part" and m["seq"] > after]
            assert list(dict.fromkeys(new)) == seqs, "an open form may be drawn again with how far it came"


async def test_a_visitor_and_two_agents_in_two_processes_see_each_other(
    ada: Desk, elsewhere: Desk, visitor: Visitor
) -> None:
    await say(visitor, "Hi", new_id())
    async with (
        await visitors_line.hello(visitor, 3) as shop,
        await dial(ada, visitor.conversation, 3) as one,
        await dial(elsewhere, visitor.conversation, 3) as two,
    ):
        for socket in (shop, one, two):
            await heard(socket, is_ready)
        await heard(one, of_kind("here", names=["Ben"]))
        await ada.post(f"/inbox/{visitor.conversation}/messages", {"text": "Hello!", "key": new_id()})
        await elsewhere.post(
            f"/inbox/{visitor.conversation}/messages", {"text": "Note", "kind": "note", "key": new_id()}
        )
        await say(visitor, "Thanks", new_id())
        for socket in (one, two):
            found = await heard(socket, of_kind("part", seq=7))
            assert [m["seq"] for m in found if m["type"] == "part" and m["seq"] > 3] == [4, 5, 6, 7]
        found = await heard(shop, lambda m: m.get("seq") == 7)
        told = [(m["type"], m["seq"]) for m in found if "seq" in m]
        assert told == [("part", 4), ("skip", 5), ("skip", 6), ("part", 7)]  # 5: Ada has it assigned now
        assert "Note" not in str(found)


async def test_typing_is_told_to_the_other_side_and_to_nobody_of_another_conversation(
    ada: Desk, elsewhere: Desk, visitor: Visitor, stranger: Visitor
) -> None:
    await say(visitor, "Hi", new_id())
    async with (
        await visitors_line.hello(visitor, 3) as shop,
        await visitors_line.hello(stranger, 2) as other,
        await dial(ada, visitor.conversation, 3) as one,
        await dial(elsewhere, visitor.conversation, 3) as two,
    ):
        for socket in (shop, other, one, two):
            await heard(socket, is_ready)
        await shop.send_json({"type": "typing"})
        for socket in (one, two):
            assert (await heard(socket, of_kind("typing")))[-1]["kind"] == "contact"
        await one.send_json({"type": "typing"})
        assert await heard(shop, of_kind("typing"))
        assert (await heard(two, of_kind("typing")))[-1]["name"] == "Ada"
        await say(stranger, "Hm", new_id())
        assert all(m["type"] in {"part", "beat"} for m in await heard(other, lambda m: m["type"] == "part"))


async def test_who_closes_one_of_two_pages_is_still_here(ada: Desk, elsewhere: Desk, visitor: Visitor) -> None:
    await say(visitor, "Hi", new_id())
    async with await dial(ada, visitor.conversation, 3) as one, await dial(elsewhere, visitor.conversation, 3) as two:
        for socket in (one, two):
            await heard(socket, is_ready)
        other = await dial(elsewhere, visitor.conversation, 3)
        await heard(other, is_ready)
        await silent(one)
        await other.close()
        await heard(one, of_kind("here", names=[]))
        assert await heard(one, of_kind("here", names=["Ben"]))


async def test_an_agent_sees_that_it_arrived_and_was_seen(elsewhere: Desk, visitor: Visitor) -> None:
    await say(visitor, "Hi", new_id())
    async with await dial(elsewhere, visitor.conversation, 3) as desk:
        await heard(desk, is_ready)
        await elsewhere.post(f"/inbox/{visitor.conversation}/messages", {"text": "Hello!", "key": new_id()})
        await heard(desk, of_kind("part", seq=4))
        async with await visitors_line.hello(visitor, 3) as shop:
            await heard(shop, is_ready)
            assert (await heard(desk, of_kind("figures", delivered=5)))[-1]["seen"] < 4
            await shop.send_json({"type": "seen", "seq": 5})
            await heard(desk, of_kind("figures", seen=5))


async def test_the_list_is_told_of_what_happens_anywhere(elsewhere: Desk, visitor: Visitor) -> None:
    async with await dial(elsewhere) as desk:
        await heard(desk, is_ready)
        await say(visitor, "Hi", new_id())
        await heard(desk, of_kind("list"))


async def test_reading_takes_a_conversation_from_the_unread(ben: Desk, visitor: Visitor, running: Running) -> None:
    await say(visitor, "Hi", new_id())

    async def is_read() -> bool:
        found = await running.store.conversations.get(visitor.conversation)
        return found is not None and not found.is_unread

    assert not await is_read()
    async with await dial(ben, visitor.conversation, 0) as desk:
        await heard(desk, is_ready)
        await desk.send_json({"type": "seen", "seq": 10**9})
        await eventually(is_read)
    found = await running.store.conversations.get(visitor.conversation)
    assert found
    assert found.team_seen == 3, "no more than what was sent"


async def test_a_wrong_number_tried_is_told_without_the_number(ben: Desk, visitor: Visitor) -> None:
    async with await dial(ben, visitor.conversation, 2) as desk:
        await heard(desk, is_ready)
        status, _ = await visitor.submit("555-0199")
        assert status == 422
        told = (await heard(desk, lambda m: m.get("seq") == 2 and "1 number tried" in m["html"]))[-1]
        assert not tells_number(told["html"])


async def test_a_card_that_is_completed_changes_in_the_inbox_live(elsewhere: Desk, visitor: Visitor) -> None:
    async with await dial(elsewhere, visitor.conversation, 2) as desk:
        await heard(desk, is_ready)
        await visitor.submit("(201) 555-0188")
        found = await heard(desk, of_kind("part", seq=3))
        card = [m for m in found if m.get("seq") == 2][-1]
        assert read(card["html"]).all("div", class_="sent-form--completed")
        assert "signed up for Deals and new roasts" in found[-1]["html"]


async def test_what_becomes_of_a_yes_shows_on_its_form_and_over_the_thread(
    elsewhere: Desk, visitor: Visitor, running: Running
) -> None:
    async with await dial(elsewhere, visitor.conversation, 2) as desk:
        await heard(desk, is_ready)
        await visitor.submit("(201) 555-0189")
        await heard(desk, lambda m: m["type"] == "figures" and "555-0189" in m["name"])
        contact = (await running.contact(visitor)).id
        for action in (Action.OPT_OUT, Action.OPT_IN):
            await running.bot.ledger.record(change(contact, new_id(), action, number="+12015550189"))
            assert await heard(desk, form_is(turned_off=action is Action.OPT_OUT))


async def test_a_stop_of_a_number_that_the_contact_has_since_is_told(
    elsewhere: Desk, visitor: Visitor, running: Running
) -> None:
    number = "+12015550246"
    async with await dial(elsewhere, visitor.conversation, 2) as desk:
        await heard(desk, is_ready)
        await visitor.submit(number)
        await heard(desk, of_kind("panel"))
        stop_all = f"/p/{await running.preference_token(visitor)}"
        async with running.session.post(running.base + stop_all, data={"change": "stop_all"}) as answer:
            assert answer.status == 200
        await heard(desk, form_is(turned_off=True))
        await silent(desk)
        await running.bot.receive(number, "STOP", new_id())
        try:
            assert await heard(desk, of_kind("panel"))
        finally:
            await running.bot.receive(number, "START", new_id())


async def test_a_form_says_that_it_is_closed_while_its_subscription_is_archived(
    elsewhere: Desk, visitor: Visitor, running: Running
) -> None:
    subscriptions, me = running.bot.subscriptions, By("ada", "Ada")
    async with await dial(elsewhere, visitor.conversation, 2) as desk:
        await heard(desk, is_ready)
        archived = await subscriptions.archive(DEALS, (await subscriptions.get(DEALS)).version, me)
        try:
            assert await heard(desk, lambda m: m.get("seq") == 2 and "is archived" in m["html"])
        finally:
            await subscriptions.restore(DEALS, archived.version, me)
        assert await heard(desk, lambda m: m.get("seq") == 2 and "is archived" not in m["html"])


@pytest.mark.parametrize(
    "message",
    [
        '{"type": "hello"',
        '{"type": "hello", "conversation": "../../x"}',
        '{"type": "hello", "conversation": "", "after": -1}',
        '{"type": "hello", "conversation": "", "teammate": "ada"}',
        '{"type": "seen", "seq": 1}',
        "x" * 5000,
    ],
)
async def test_a_forged_greeting_ends_the_line(ben: Desk, message: str) -> None:
    socket = await ben.session.ws_connect(f"{ben.base}/inbox/live", origin=ben.base)
    await socket.send_str(message)
    assert await closed(socket) in {1008, 1009}


async def test_a_forged_message_ends_the_line_and_changes_nothing(
    ben: Desk, visitor: Visitor, running: Running
) -> None:
    await say(visitor, "Hi", new_id())
    for message in ({"type": "part", "seq": 9}, {"type": "seen", "seq": -1}, {"type": "typing", "name": "Ada"}):
        socket = await dial(ben, visitor.conversation, 3)
        await heard(socket, is_ready)
        await socket.send_json(message)
        assert await closed(socket) == 1008
    assert len(await running.parts(visitor)) == 3


async def test_a_conversation_that_is_not_there_ends_the_line(ben: Desk) -> None:
    assert await closed(await dial(ben, "0" * 24)) == 4401


async def test_nobody_gets_a_line_without_a_session_or_from_another_site(
    ben: Desk, visitor: Visitor, running: Running
) -> None:
    for session, origin, status in (
        (visitor.session, ben.base, 401),
        (ben.session, "https://evil.example", 403),
        (ben.session, None, 403),
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{ben.base}/inbox/live", origin=origin)
        assert refused.value.status == status


async def test_a_page_that_claims_to_have_more_than_there_is_silences_nothing(
    ben: Desk, visitor: Visitor, running: Running
) -> None:
    await say(visitor, "Hi", new_id())
    async with await dial(ben, visitor.conversation, 2**53) as socket:
        assert (await heard(socket, is_ready))[-1]["last"] == 3
        await socket.send_json({"type": "seen", "seq": 2**53})

        async def is_seen() -> bool:
            found = await running.store.conversations.get(visitor.conversation)
            return found is not None and bool(found.team_seen)

        await eventually(is_seen)
        await say(visitor, "Hello?", new_id())
        await heard(socket, of_kind("part", seq=4))
    found = await running.store.conversations.get(visitor.conversation)
    assert found
    assert (found.team_seen, found.is_unread) == (3, True)


async def test_a_line_ends_with_its_session(
    running: Running, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HERE_SECONDS", 0.1)
    async with at_desk(running.base, BEN) as desk:
        socket = await dial(desk, visitor.conversation, 2)
        await heard(socket, is_ready)
        await asyncio.sleep(0.3)
        assert not socket.closed
        await desk.post("/logout", {})
        assert await closed(socket) == 4401


async def test_a_line_whose_session_cannot_be_looked_up_ends(
    running: Running, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or somebody who signed out meanwhile would be told things for as long as the page is open."""
    monkeypatch.setattr(live, "HERE_SECONDS", 0.1)
    async with at_desk(running.base, BEN) as desk:
        socket = await dial(desk, visitor.conversation, 2)
        await heard(socket, is_ready)

        async def away(id: str) -> None:
            raise StoreUnavailable

        monkeypatch.setattr(running.store.sessions, "get", away)
        assert await closed(socket) == 1013


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"$set": {"role": "admin"}}, 1012, id="another role connects anew"),
        pytest.param({"$set": {"removed_at": AT}, "$inc": {"password_version": 1}}, 4401, id="removed"),
        pytest.param({"$inc": {"password_version": 1}}, 4401, id="another password"),
    ],
)
async def test_a_line_ends_at_once_with_the_right_to_it(
    running: Running, visitor: Visitor, change: dict[str, Any], code: int
) -> None:
    """In whichever process it happens. The regular look is far away."""
    table = running.store.teammates.collection
    before = await table.find_one({"email": BEN})
    async with at_desk(running.base, BEN) as desk:
        socket = await dial(desk, visitor.conversation, 2)
        await heard(socket, is_ready)
        try:
            await table.update_one({"email": BEN}, change)
            assert await closed(socket) == code
        finally:
            await table.replace_one({"email": BEN}, before or {})


async def test_a_line_ends_at_once_when_its_teammate_signs_out(running: Running, visitor: Visitor) -> None:
    async with at_desk(running.base, BEN) as desk:
        socket = await dial(desk, visitor.conversation, 2)
        await heard(socket, is_ready)
        await desk.post("/logout", {})
        assert await closed(socket) == 4401


async def test_an_open_inbox_notes_once_that_its_teammate_is_there(
    running: Running, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note changes the account that the connection follows: noted at each change, it would never end."""
    noted: list[str] = []
    seen = running.bot.teammates.seen

    async def noting(id: str, session: str, address: str) -> None:
        noted.append(id)
        await seen(id, session, address)

    async with at_desk(running.base, BEN) as desk:
        monkeypatch.setattr(running.bot.teammates, "seen", noting)
        socket = await dial(desk, visitor.conversation, 2)
        await heard(socket, is_ready)
        for _ in range(3):
            await running.store.teammates.update({"email": BEN}, {"$set": {"updated_at": AT}})
            await running.caught_up()
        assert len(noted) <= 1
        await socket.close()
