"""The live line: what is new arrives, once and in order, whichever process it was written in, and only to its owner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
import pytest

from bot.chat.feed import Feed
from bot.model.base import new_id
from bot.model.conversation import Author, AuthorKind, Part, Text
from bot.store import open_store
from bot.store.changes import DocumentChange
from bot.store.embedded import EmbeddedServer
from tests.conftest import PATIENCE, Visitor, eventually, serving
from tests.people import AT
from tests.widget.help import Card, Running, closed, last_words, read
from widget.messenger import live
from widget.web import websocket

BOT = Author(kind=AuthorKind.BOT, id="bot")
Socket = aiohttp.ClientWebSocketResponse


async def dial(person: Visitor, base: str = "") -> Socket:
    """Not yet greeted."""
    base = base or person.base
    return await person.session.ws_connect(f"{base}/messenger/live", origin=base)


async def hello(person: Visitor, after: int, base: str = "", **change: Any) -> Socket:
    socket = await dial(person, base)
    await greet(socket, person, after, **change)
    return socket


async def greet(socket: Socket, person: Visitor, after: int, **change: Any) -> None:
    greeting = {"type": "hello", "token": person.token, "conversation": person.conversation, "after": after}
    await socket.send_json({**greeting, **change})


_unread: WeakKeyDictionary[Socket, list[dict[str, Any]]] = WeakKeyDictionary()
"""What came in one frame with a message that was waited for."""


async def heard(socket: Socket, until: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """All messages up to the one that is waited for."""
    found, left = [], _unread.setdefault(socket, [])
    async with asyncio.timeout(PATIENCE):
        while True:
            while left:
                found.append(left.pop(0))
                if until(found[-1]):
                    return found
            said = await socket.receive_json()
            left += said if isinstance(said, list) else [said]


def is_ready(message: dict[str, Any]) -> bool:
    return bool(message["type"] == "ready")


def part(seq: int) -> Callable[[dict[str, Any]], bool]:
    return lambda message: message.get("seq") == seq


async def silent(socket: Socket) -> None:
    """When nothing more is said of what was done."""
    _unread.pop(socket, None)
    with suppress(TimeoutError):
        while not socket.closed:
            async with asyncio.timeout(1):
                await socket.receive()


async def say(person: Visitor, text: str, key: str, base: str = "") -> int:
    url = f"{base or person.base}/messenger/conversations/{person.conversation}/messages"
    async with person.session.post(url, json={"key": key, "text": text}, headers=person.headers) as answer:
        assert answer.status == 200, await answer.text()
        return int((await answer.json())["seq"])


async def test_hello_is_answered_with_what_came_after(visitor: Visitor) -> None:
    for after, seqs in ((0, [1, 2]), (1, [2]), (2, []), (10**12, [])):
        async with await hello(visitor, after) as socket:
            found = await heard(socket, is_ready)
            assert [m["seq"] for m in found[:-1]] == seqs
            assert found[-1]["last"] == 2


async def test_a_part_carries_all_that_the_page_needs(visitor: Visitor) -> None:
    async with await hello(visitor, 0) as socket:
        first, card, _ = await heard(socket, is_ready)
    assert (first["type"], first["author"], first["kind"]) == ("part", "bot", "text")
    assert (card["author"], card["kind"], Card(card["html"]).state) == ("bot", "card", "open")
    entry = read(first["html"]).one("li")
    assert (entry.attrs["data-seq"], entry.attrs["data-author"]) == ("1", "Harbor Coffee")


async def test_the_last_hundreds_are_caught_up_with(visitor: Visitor, running: Running) -> None:
    await running.act(visitor)
    (_, card) = await running.parts(visitor)
    place = running.store.parts.entry_id
    many = [
        card.model_copy(update={"id": place(visitor.conversation, i), "seq": i, "content": Text(text=f"Number {i}")})
        for i in range(3, 233)
    ]
    await running.store.parts.insert_many(many)
    async with await hello(visitor, 2) as socket:
        found = await heard(socket, is_ready)
    assert [m["seq"] for m in found[:-1]] == list(range(3, 233))


async def test_what_one_process_wrote_another_pushes(visitor: Visitor, other_process: str) -> None:
    async with await hello(visitor, 2, other_process) as far, await hello(visitor, 2) as near:
        for socket in (far, near):
            await heard(socket, is_ready)
        assert await say(visitor, "Anybody there?", "message-1") == 3
        assert await say(visitor, "And back?", "message-2", other_process) == 4
        for socket in (far, near):
            found = await heard(socket, part(4))
            assert [m["seq"] for m in found] == [3, 4]
            assert ["Anybody there?" in m["html"] for m in found] == [True, False]


async def test_a_completed_card_is_drawn_again_in_every_open_chat(visitor: Visitor, other_process: str) -> None:
    async with await hello(visitor, 2, other_process) as socket:
        await heard(socket, is_ready)
        await visitor.submit()
        found = await heard(socket, part(4))
    assert [(m["seq"], m["kind"]) for m in found] == [(2, "card"), (3, "event"), (4, "text")]
    assert Card(found[0]["html"]).state == "completed"
    assert "(201) 555-0123" in found[0]["html"]


async def test_a_stopped_number_is_drawn_as_it_is_now(visitor: Visitor, running: Running) -> None:
    async with await hello(visitor, 2) as socket:
        await heard(socket, is_ready)
        await running.bot.receive("+12015550123", "STOP", new_id())
        await visitor.submit()
        drawn = (await heard(socket, part(3)))[0]["html"]
        assert Card(drawn).state == "open"
        assert "reply START to any of our texts" in drawn
        await running.bot.receive("+12015550123", "START", new_id())
        await heard(socket, lambda message: message["type"] == "part" and "reply START" not in message["html"])


async def test_many_at_once_arrive_in_order_and_once(visitor: Visitor, other_process: str) -> None:
    async with await hello(visitor, 2) as socket:
        await heard(socket, is_ready)
        places = [visitor.base, other_process]
        await asyncio.gather(*(say(visitor, f"Number {i}", f"message-{i}", places[i % 2]) for i in range(40)))
        found = await heard(socket, part(42))
    assert [m["seq"] for m in found] == list(range(3, 43))


async def test_who_comes_back_misses_nothing_and_hears_nothing_twice(visitor: Visitor) -> None:
    last, got = 0, []
    for turn in range(4):
        async with await hello(visitor, last) as socket:
            if turn:
                await say(visitor, "While on the line", f"on-line-{turn}")
            found = [m for m in await heard(socket, part(2 + 2 * turn)) if m["type"] == "part"]
            got += [m["seq"] for m in found]
            last = got[-1]
        await say(visitor, "While away", f"off-line-{turn}")
    assert got == list(range(1, 9))


async def test_a_line_that_broke_between_database_and_process_is_caught_up_with(
    visitor: Visitor, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the feed swallowed is read from the database, once it says that something may be missing."""
    feed = running.bot.feed
    async with await hello(visitor, 2) as socket:
        await heard(socket, is_ready)
        real, swallowed = Feed._deliver, asyncio.Event()

        def swallow(batch: list[DocumentChange]) -> None:
            if any(change.document.get("conversation") == visitor.conversation for change in batch):
                swallowed.set()

        monkeypatch.setattr(running.store.changes, "_deliver", swallow)
        await say(visitor, "Lost on the way", "message-1")
        async with asyncio.timeout(PATIENCE):
            await swallowed.wait()
        monkeypatch.setattr(running.store.changes, "_deliver", lambda batch: real(feed, batch))
        feed._lost()
        found = await heard(socket, part(3))
        await say(visitor, "And the next", "message-2")
        found += await heard(socket, part(4))
    assert [m["seq"] for m in found] == [3, 4]


async def test_what_was_seen_is_unread_no_more(visitor: Visitor, running: Running) -> None:
    async def unread() -> int:
        async with visitor.session.post(f"{visitor.base}/messenger/unread", data=visitor.token) as answer:
            return int((await answer.json())["unread"])

    assert await unread() == 0, "nothing is unread in a chat that nobody used"
    await running.act(visitor)
    for text in ("Hi", "Still there?"):
        await running.bot.conversations.append(visitor.conversation, BOT, Text(text=text), text)
    assert await unread() == 2
    async with await hello(visitor, 4) as socket:
        await heard(socket, is_ready)
        await socket.send_json({"type": "seen", "seq": 3})
        await eventually(lambda: _is(unread, 1))
        await socket.send_json({"type": "seen", "seq": 4})
        await eventually(lambda: _is(unread, 0))
        await socket.send_json({"type": "seen", "seq": 3})
        await say(visitor, "My own counts for nothing", "message-1")
        await heard(socket, part(5))
        assert await unread() == 0


async def test_how_far_a_page_has_read_is_written_once_a_second_and_at_the_end(
    visitor: Visitor, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running.act(visitor)
    marks: list[tuple[int, int]] = []
    real = running.bot.conversations.mark_read

    async def noted(conversation: str, contact: str, *, seen: int, delivered: int) -> None:
        await real(conversation, contact, seen=seen, delivered=delivered)
        marks.append((seen, delivered))

    monkeypatch.setattr(running.bot.conversations, "mark_read", noted)
    async with await hello(visitor, 2) as socket:
        await heard(socket, is_ready)
        for seq in (1, 2, 1, 2):
            await socket.send_json({"type": "seen", "seq": seq})
        await eventually(lambda: _is_so(bool(marks)))
        assert marks == [(2, 0)]
        await running.bot.inbox.reply(visitor.conversation, "ada", "Hi", "k")
        await heard(socket, part(3))
        monkeypatch.setattr(live, "MARK_SECONDS", 60.0)
        await socket.send_json({"type": "seen", "seq": 3})
    await eventually(lambda: _is_so(marks[-1] == (3, 3)))
    stored = await running.store.conversations.get(visitor.conversation)
    assert stored
    assert (stored.seen, stored.delivered) == (3, 3)


async def test_a_plain_text_is_pushed_without_a_query(
    visitor: Visitor, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await hello(visitor, 2) as socket:
        await heard(socket, is_ready)
        reads: list[Any] = []
        mine = (visitor.conversation, running.bot.visitors.read(visitor.token or ""))
        for repository in (running.store.contacts, running.store.parts, running.store.conversations):
            monkeypatch.setattr(repository, "find", _noted(repository.find, reads, mine))
        with running.bot.feed.writing([]) as written:
            written.append(_text(visitor.conversation, 3))
        assert "Hi" in read((await heard(socket, part(3)))[-1]["html"]).text.split()
        assert not reads


def _noted(find: Callable[..., Any], reads: list[Any], mine: Sequence[str]) -> Callable[..., Any]:
    """Notes the queries about the chat and its contact; periodic work goes on meanwhile."""

    async def noted(*args: Any, **values: Any) -> Any:
        if any(id in str(args) for id in mine):
            reads.append(args)
        return await find(*args, **values)

    return noted


def _text(conversation: str, seq: int) -> Part:
    id = f"{conversation}:{seq:010d}"
    return Part(id=id, conversation=conversation, seq=seq, author=BOT, content=Text(text="Hi"), at=AT, key=id)


async def _is_so(value: bool) -> bool:
    return value


async def _is(ask: Callable[[], Any], number: int) -> bool:
    return bool(await ask() == number)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:8080",
        "",
        "//",
        "http://[bad",
    ],
)
async def test_a_page_of_another_site_gets_no_line(visitor: Visitor, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await visitor.session.ws_connect(f"{visitor.base}/messenger/live", origin=origin)
    assert refused.value.status == 403


async def test_without_an_origin_there_is_no_line(visitor: Visitor) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await visitor.session.ws_connect(f"{visitor.base}/messenger/live")
    assert refused.value.status == 403


async def test_who_asks_without_an_upgrade_is_refused(visitor: Visitor) -> None:
    async with visitor.session.get(f"{visitor.base}/messenger/live", headers={"Origin": visitor.base}) as answer:
        assert answer.status == 400
        assert (await answer.json())["type"] == "error.list"


async def test_a_stranger_hears_nothing(visitor: Visitor, stranger: Visitor, running: Running) -> None:
    token = visitor.token or ""
    for change in (
        {"token": token[:-1]},
        {"token": ""},
        {"token": "é.ü.ß"},
        {"token": stranger.token},
        {"conversation": stranger.conversation},
        {"conversation": "0" * 24},
    ):
        async with await hello(visitor, 0, **change) as socket:
            assert await last_words(socket) == ([], 4401), change


async def test_a_person_who_is_deleted_hears_no_more(visitor: Visitor, running: Running) -> None:
    await running.act(visitor)
    contact = await running.contact(visitor)
    async with await hello(visitor, 2) as socket:
        await heard(socket, is_ready)
        await running.store.contacts.collection.delete_one({"_id": contact.id})
        assert await closed(socket) == websocket.TOKEN_REFUSED


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param("garbage", id="text"),
        pytest.param("{}", id="an empty object"),
        pytest.param("[]", id="a list"),
        pytest.param('{"type":"hello"}', id="half a hello"),
        pytest.param('{"type":"seen","seq":1}', id="seen before hello"),
        pytest.param('{"type":"hello","token":"x","conversation":"../x","after":0}', id="a path"),
        pytest.param(b"\x00\x01", id="bytes"),
    ],
)
async def test_garbage_instead_of_hello_ends_the_line(
    visitor: Visitor, caplog: pytest.LogCaptureFixture, garbage: str | bytes
) -> None:
    socket = await dial(visitor)
    await (socket.send_bytes(garbage) if isinstance(garbage, bytes) else socket.send_str(garbage))
    assert await closed(socket) == aiohttp.WSCloseCode.POLICY_VIOLATION
    assert "request failed" not in caplog.text


@pytest.mark.parametrize(
    "garbage",
    ["garbage", '{"type":"seen","seq":-1}', '{"type":"seen","seq":1e400}', '{"type":"hello"}', '{"type":"seen"}'],
)
async def test_garbage_later_ends_the_line(visitor: Visitor, caplog: pytest.LogCaptureFixture, garbage: str) -> None:
    async with await hello(visitor, 2) as socket:
        await heard(socket, is_ready)
        await socket.send_str(garbage)
        assert await closed(socket) == aiohttp.WSCloseCode.POLICY_VIOLATION
    assert "request failed" not in caplog.text


async def test_more_than_any_message_ends_the_line(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    for greeted in (False, True):
        socket = await (hello(visitor, 2) if greeted else dial(visitor))
        await socket.send_str("x" * 10_000)
        assert await closed(socket) == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
    assert "request failed" not in caplog.text


async def test_who_hangs_up_before_hello_leaves_nothing_behind(
    visitor: Visitor, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        await (await dial(visitor)).close()
    (await dial(visitor))._response.close()  # the line is cut, without a word
    await eventually(lambda: _none_open(running))
    assert "request failed" not in caplog.text


async def _none_open(running: Running) -> bool:
    """Only the process itself follows anything: the addresses of webhooks."""
    return not running.server.app[websocket.SOCKETS] and running.bot.feed.followers == 1


async def test_who_hangs_up_while_being_told_leaves_nothing_behind(
    visitor: Visitor, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    for i in range(10):
        socket = await hello(visitor, 0)
        await asyncio.sleep(0.002 * i)
        socket._response.close()
    await eventually(lambda: _none_open(running))
    assert "request failed" not in caplog.text


async def test_who_says_nothing_is_hung_up_on(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "HELLO_SECONDS", 0.05)
    assert await closed(await dial(visitor)) == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_a_quiet_line_beats(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await dial(visitor) as socket:
        monkeypatch.setattr(websocket, "BEAT_SECONDS", 0.05)  # after the pings started
        await greet(socket, visitor, 2)
        found = await heard(socket, lambda m: m["type"] == "beat")
        assert [m["type"] for m in found] == ["ready", "beat"]


async def test_a_server_that_stops_says_bye_and_the_next_one_goes_on(
    visitor: Visitor, running: Running, mongo: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_store(mongo.url, "sayso_widget") as store:
        async with serving(store, running.settings) as server:
            leaving = str(server.make_url("")).rstrip("/")
            socket = await hello(visitor, 2, leaving)
            await heard(socket, is_ready)
            silent = await dial(visitor, leaving)
            ends = asyncio.gather(last_words(socket), last_words(silent))
        for end in await ends:
            assert end == ([{"type": "bye"}], aiohttp.WSCloseCode.SERVICE_RESTART)
    assert "request failed" not in caplog.text
    await say(visitor, "In between", "message-1")
    async with await hello(visitor, 2) as socket:
        assert [m["seq"] for m in (await heard(socket, is_ready))[:-1]] == [3]
