"""Chats: entries numbered without gaps, each once, whoever writes at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.chat.conversations import ConversationService
from bot.errors import NotFound
from bot.model.contact import Contact
from bot.model.conversation import Author, AuthorKind, Content, Conversation, Part, Text
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.people import TEAMMATE, card, second_process

MakeContact = Callable[..., Awaitable[Contact]]
ADA = Author(kind=AuthorKind.CONTACT, id="ada")


@pytest.fixture
def chats(store: Store) -> ConversationService:
    return ConversationService(store)


async def _chat(chats: ConversationService, id: str = "chat", contact: str = "ada") -> Conversation:
    await chats.begin(id, contact, TEAMMATE, [])
    return await chats.of_contact(id, contact)


async def _texts(chats: ConversationService, id: str = "chat") -> list[str]:
    return [p.content.text for p in await chats.after(id, 0) if isinstance(p.content, Text)]


async def test_a_conversation_begins_with_its_entries(chats: ConversationService) -> None:
    opening: list[tuple[str, Content]] = [("a", Text(text="Hi")), ("b", card())]
    parts = await chats.begin("chat", "ada", TEAMMATE, opening)
    assert [(p.id, p.seq, p.content) for p in parts] == [
        ("chat:0000000001", 1, Text(text="Hi")),
        ("chat:0000000002", 2, card()),
    ]
    assert await chats.after("chat", 0) == parts
    conversation = await chats.of_contact("chat", "ada")
    assert (conversation.last, conversation.preview) == (2, "Hi")


async def test_entries_follow_one_another(chats: ConversationService) -> None:
    chat = await _chat(chats)
    for i in range(5):
        await chats.say(chat, f"text {i}", f"k{i}")
    assert [p.seq for p in await chats.after("chat", 0)] == [1, 2, 3, 4, 5]
    conversation = await chats.of_contact("chat", "ada")
    assert (conversation.last, conversation.preview) == (5, "text 4")


async def test_the_same_key_again_writes_nothing(chats: ConversationService) -> None:
    chat = await _chat(chats)
    first = await chats.say(chat, "Hi", "k")
    assert await chats.say(chat, "Hi again", "k") == first
    assert await _texts(chats) == ["Hi"]


async def test_one_key_in_two_conversations_writes_in_both(chats: ConversationService) -> None:
    for id in ("one", "two"):
        await chats.say(await _chat(chats, id), "Hi", "k")
        assert await _texts(chats, id) == ["Hi"]


async def test_a_visitor_s_key_is_not_a_flow_s(chats: ConversationService) -> None:
    chat = await _chat(chats)
    await chats.append("chat", TEAMMATE, Text(text="From us"), "k")
    await chats.say(chat, "From me", "k")
    assert await _texts(chats) == ["From us", "From me"]


async def test_a_hundred_entries_of_two_processes_at_once_have_no_gap_and_each_is_there_once(
    chats: ConversationService, mongo: EmbeddedServer
) -> None:
    chat = await _chat(chats)
    async with second_process(mongo) as other:
        both = [chats, ConversationService(other)]
        parts = await asyncio.gather(*(both[i % 2].say(chat, f"text {i}", f"k{i}") for i in range(100)))
    assert sorted(p.seq for p in parts) == list(range(1, 101))
    stored = await chats.after("chat", 0)
    assert [p.seq for p in stored] == list(range(1, 101))
    assert {p.key for p in stored} == {f"chat:contact:k{i}" for i in range(100)}
    assert (await chats.of_contact("chat", "ada")).last == 100


async def test_one_entry_of_two_processes_at_once_stands_once(
    chats: ConversationService, mongo: EmbeddedServer
) -> None:
    chat = await _chat(chats)
    async with second_process(mongo) as other:
        both = [chats, ConversationService(other)]
        parts = await asyncio.gather(*(both[i % 2].say(chat, "Hi", "k") for i in range(20)))
    assert len({p.id for p in parts}) == 1
    assert await _texts(chats) == ["Hi"]


@pytest.mark.parametrize("before", [[], ["One", "Two"]], ids=["alone", "after others"])
async def test_one_entry_stands_once_when_another_process_is_first_with_it(
    chats: ConversationService, mongo: EmbeddedServer, store: Store, monkeypatch: pytest.MonkeyPatch, before: list[str]
) -> None:
    """After this one has looked for it, and before it writes."""
    chat = await _chat(chats)
    by_keys = store.parts.by_keys
    async with second_process(mongo) as other:

        async def looked(keys: Any, **more: Any) -> dict[str, Part]:
            found = await by_keys(keys, **more)
            monkeypatch.setattr(store.parts, "by_keys", by_keys)
            await ConversationService(other).say(chat, "Hi", "k")
            return found

        monkeypatch.setattr(store.parts, "by_keys", looked)
        await asyncio.gather(*(chats.say(chat, text, text) for text in before), chats.say(chat, "Hi", "k"))
    assert sorted(await _texts(chats)) == ["Hi", *before]


@pytest.mark.parametrize("last", [0, 1, 2, 3, 4])
async def test_figures_that_lag_behind_do_no_harm(chats: ConversationService, store: Store, last: int) -> None:
    """A crash between the entry and the conversation's own figures."""
    chat = await _chat(chats)
    for i in range(5):
        await chats.say(chat, f"text {i}", f"k{i}")
    await store.conversations.update({"_id": "chat"}, {"$set": {"last": last}})
    assert (await chats.say(chat, "more", "k5")).seq == 6
    assert (await chats.say(chat, "text 2", "k2")).seq == 3


async def test_nothing_is_written_into_no_conversation(chats: ConversationService, store: Store) -> None:
    with pytest.raises(NotFound):
        await chats.append("nowhere", ADA, Text(text="Hi"), "k")
    assert await store.parts.count_about() == 0


async def test_a_stranger_and_nothing_look_alike(chats: ConversationService) -> None:
    await _chat(chats)
    told = set()
    for id, contact in (("chat", "eve"), ("nowhere", "eve"), ("", "")):
        with pytest.raises(NotFound) as refused:
            await chats.of_contact(id, contact)
        told.add(str(refused.value))
    assert len(told) == 1


async def test_pages_go_back_to_the_beginning(chats: ConversationService) -> None:
    chat = await _chat(chats)
    for i in range(7):
        await chats.say(chat, f"text {i}", f"k{i}")
    newest = await chats.page("chat", limit=3)
    before = await chats.page("chat", before=newest[0].seq, limit=3)
    first = await chats.page("chat", before=before[0].seq, limit=3)
    assert [[p.seq for p in page] for page in (newest, before, first)] == [[5, 6, 7], [2, 3, 4], [1]]
    assert await chats.page("chat", before=1) == []


async def test_a_page_shows_no_entry_of_another_conversation(chats: ConversationService) -> None:
    """Ids that begin alike too."""
    for id in ("chat", "chat2", "chat:0000000001"):
        await chats.say(await _chat(chats, id), f"in {id}", "k")
    assert await _texts(chats, "chat") == ["in chat"]
    assert [p.content for p in await chats.page("chat")] == [Text(text="in chat")]


class TestUnread:
    async def test_what_others_wrote_since_is_counted(self, chats: ConversationService) -> None:
        chat = await _chat(chats)
        await chats.append("chat", TEAMMATE, Text(text="Hi"), "a")
        await chats.say(chat, "Hello", "b")
        await chats.append("chat", TEAMMATE, Text(text="How are you?"), "c")
        ((conversation, unread),) = await chats.all_of("ada")
        assert (conversation.id, unread) == ("chat", 2)

    async def test_what_was_seen_is_not(self, chats: ConversationService) -> None:
        await _chat(chats)
        for i in range(4):
            await chats.append("chat", TEAMMATE, Text(text="Hi"), f"k{i}")
        await chats.mark_read("chat", "ada", seen=3, delivered=3)
        assert await chats.unread("ada") == 1
        await chats.mark_read("chat", "ada", seen=1, delivered=1)
        assert await chats.unread("ada") == 1, "seen is seen"

    async def test_a_stranger_sees_nothing_for_another(self, chats: ConversationService) -> None:
        await _chat(chats)
        await chats.append("chat", TEAMMATE, Text(text="Hi"), "k")
        await chats.mark_read("chat", "eve", seen=1, delivered=1)
        assert (await chats.of_contact("chat", "ada")).seen == 0

    async def test_marks_of_many_pages_are_each_their_own(self, chats: ConversationService) -> None:
        for id in ("one", "two", "three"):
            await _chat(chats, id)
            await chats.append(id, TEAMMATE, Text(text="Hi"), "k")
        marks = {"one": (1, 0), "two": (0, 1), "three": (1, 1)}
        people = {"one": "ada", "two": "ada", "three": "eve"}
        await asyncio.gather(
            *(
                chats.mark_read(id, people[id], seen=seen, delivered=delivered)
                for id, (seen, delivered) in marks.items()
            ),
            chats.mark_read("one", "ada", seen=0, delivered=1),
        )
        found = {id: await chats.of_contact(id, "ada") for id in marks}
        read = {id: (chat.seen, chat.delivered) for id, chat in found.items()}
        assert read == {"one": (1, 1), "two": (0, 1), "three": (0, 0)}, "nobody marks another's chat"

    async def test_conversations_come_newest_first(self, chats: ConversationService) -> None:
        one, two = await _chat(chats, "one"), await _chat(chats, "two")
        await chats.say(two, "Hi", "k")
        await asyncio.sleep(0.005)
        await chats.say(one, "Hi", "k")
        assert [c.id for c, _ in await chats.all_of("ada")] == ["one", "two"]
        newest = await chats.newest("ada")
        assert newest
        assert newest.id == "one"
        assert await chats.newest("eve") is None
