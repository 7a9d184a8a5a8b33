"""What a visitor writes: kept as it is, once, and not without end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import Visitor
from tests.widget.help import Running, faults, read


async def say(person: Visitor, **message: Any) -> tuple[int, Any]:
    url = f"{person.base}/messenger/conversations/{person.conversation}/messages"
    async with person.session.post(url, json=message, headers=person.headers) as answer:
        return answer.status, await answer.json()


async def test_a_message_stands_in_the_chat_as_the_visitors_own(visitor: Visitor, running: Running) -> None:
    status, body = await say(visitor, key="message-1", text="Do you grind?\nFor espresso.")
    assert (status, body["seq"]) == (200, 3)
    entry = read(body["html"]).one("li", class_="mine")
    assert (entry.attrs["id"], entry.attrs["data-key"]) == ("part-3", "message-1")
    assert entry.one("div", class_="bubble").text == "Do you grind?\nFor espresso."
    opened = await visitor.open()
    assert "For espresso." in opened["html"]


async def test_a_message_sent_again_stands_once(visitor: Visitor, running: Running) -> None:
    answers = await asyncio.gather(*(say(visitor, key="message-1", text="Hello?") for _ in range(5)))
    answers.append(await say(visitor, key="message-1", text="Something else"))
    assert {(status, body["seq"]) for status, body in answers} == {(200, 3)}
    assert len({body["html"] for _, body in answers}) == 1
    assert len(await running.parts(visitor)) == 3


async def test_messages_at_once_each_have_their_place(visitor: Visitor, running: Running) -> None:
    answers = await asyncio.gather(*(say(visitor, key=f"message-{i}", text=f"Number {i}") for i in range(12)))
    assert sorted(body["seq"] for _, body in answers) == list(range(3, 15))
    assert [part.seq for part in await running.parts(visitor)] == list(range(1, 15))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 4000, id="4,000 characters"),
        pytest.param("👩‍👩‍👧‍👦" * 500, id="families of emoji"),
        pytest.param("مرحبا بالعالم ‏‎" * 100 + "!", id="right to left, with its marks"),
        pytest.param("e\u0301 \u00e9 Å Å ﬁ", id="letters in two forms"),
        pytest.param("a\n\n\tb  c", id="lines and tabs"),
        pytest.param("a\x00b\u2028c\ufeffd", id="controls"),
        pytest.param("𝕳𝖊𝖑𝖑𝖔 " * 500 + "!", id="letters beyond the first plane"),
    ],
)
async def test_what_is_written_is_kept_to_the_letter(visitor: Visitor, running: Running, text: str) -> None:
    status, body = await say(visitor, key="message-1", text=text)
    assert status == 200
    stored = (await running.parts(visitor))[-1].content
    assert stored.kind == "text"
    assert stored.text == text
    assert read(body["html"]).one("div", class_="bubble").text == text.replace("\x00", "\ufffd")


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"text": "x" * 4001}, id="4,001 characters"),
        pytest.param({"text": "📱" * 4001}, id="4,001 emoji"),
        pytest.param({"text": ""}, id="nothing"),
        pytest.param({"text": " \n\t\u00a0\u3000 "}, id="blank"),
        pytest.param({"text": None}, id="null"),
        pytest.param({"text": 5}, id="a number"),
        pytest.param({"text": ["Hello"]}, id="a list"),
        pytest.param({"text": "Hello", "key": "short"}, id="a key that is none"),
        pytest.param({"text": "Hello", "key": "../../etc/passwd"}, id="a key that is a path"),
        pytest.param({"text": "Hello", "author": "bot"}, id="a field of somebody else"),
    ],
)
async def test_what_is_no_message_is_refused(visitor: Visitor, running: Running, message: dict[str, Any]) -> None:
    status, body = await say(visitor, **{"key": "message-1", **message})
    ((code, words),) = faults(body)
    assert (status, code) == (422, "parameter_invalid")
    assert words
    assert len(await running.parts(visitor)) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"key":"message-1","text":"\xff"}',
        b'{"key":"message-1","text":"\\ud800"}',
    ],
)
async def test_a_body_that_is_no_message_is_refused(visitor: Visitor, running: Running, body: bytes) -> None:
    url = f"{visitor.base}/messenger/conversations/{visitor.conversation}/messages"
    async with visitor.session.post(url, data=body, headers=visitor.headers) as answer:
        assert (answer.status, faults(await answer.json())[0][0]) == (422, "parameter_invalid")
    assert len(await running.parts(visitor)) == 2


async def test_a_body_without_end_is_refused(visitor: Visitor, running: Running) -> None:
    status, body = await say(visitor, key="message-1", text="x" * 70_000)
    assert (status, faults(body)[0][0]) == (413, "parameter_invalid")
    assert len(await running.parts(visitor)) == 2


@pytest.mark.parametrize("text", ["   ", "\u200b", "\x00 \u2060"], ids=["spaces", "zero width", "controls"])
async def test_a_message_in_which_there_is_nothing_to_see_is_told_so(visitor: Visitor, text: str) -> None:
    _, body = await say(visitor, key="message-1", text=text)
    assert faults(body) == [("parameter_invalid", "Write a message first.")]


async def test_a_stranger_cannot_write_for_somebody_else(visitor: Visitor, stranger: Visitor, running: Running) -> None:
    thief = Visitor(stranger.session, stranger.base, stranger.token, visitor.conversation)
    status, body = await say(thief, key="message-1", text="Hello")
    assert (status, faults(body)) == (404, [("not_found", "Conversation not found.")])
    thief.token = None
    assert (await say(thief, key="message-1", text="Hello"))[0] == 401
    assert len(await running.parts(visitor)) == 2


@pytest.mark.parametrize(
    "opening",
    [
        {"conversation": "x"},
        {"conversation": 5},
        {"settings": None},
        {"settings": {"user_id": ["5"]}},
        {"token": "x"},
        [],
    ],
)
async def test_an_opening_that_is_none_makes_nobody(running: Running, opening: Any) -> None:
    before = await running.store.contacts.count_about()
    async with running.session.post(f"{running.base}/messenger/open", json=opening) as answer:
        assert (answer.status, faults(await answer.json())[0][0]) == (422, "parameter_invalid")
    assert await running.store.contacts.count_about() == before


async def test_what_a_site_adds_to_its_settings_is_left_out(running: Running, stranger: Visitor) -> None:
    opened = await stranger.open(plan="pro", company={"id": 7}, locale="xx-YY", page_url="https://shop.example/a")
    assert opened["conversation"] == stranger.conversation
