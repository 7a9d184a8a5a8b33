"""A flow starts once for each contact who comes to match a segment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot import faults
from bot.app import Bot
from bot.demo import DEALS
from bot.errors import StoreUnavailable
from bot.events.segment_watching import CURSOR
from bot.flows.document import FlowDocument
from bot.flows.publish import create
from bot.flows.steps import Say, SendSmsStep, Step
from bot.flows.triggers import SegmentEntered
from bot.model.base import now
from bot.model.contact import ConsentState
from bot.model.conversation import Part
from bot.model.filter import ConsentIs, Filter, LastSeen, TagIs, When
from bot.model.teammate import By
from bot.store import Store
from tests.flows.test_opening import opened_chat
from tests.people import act, change, person

ADA = By("ada", "Ada")
VIPS = Filter.of(TagIs(tags=("vip",)))
HELLO = Say(id="hi", text="Welcome to the club")


async def watched(bot: Bot, *steps: Step, filter: Filter = VIPS, **values: Any) -> str:
    """A segment whose members a live flow greets. Returns its id; those who are in it are noted."""
    segment = await bot.segments.save("VIPs", filter, ADA)
    document = FlowDocument(triggers=(SegmentEntered(segment=segment.id),), steps=steps or (HELLO,), **values)
    await create(bot.store, document, id="club")
    bot.runs.scripts.live.cache_clear()
    await bot.segments_watched.look()
    return segment.id


async def chatting(bot: Bot) -> str:
    """A contact with a chat in which no flow waits."""
    opened = await act(bot, await opened_chat(bot))
    await bot.store.conversations.update({"_id": opened.conversation}, {"$unset": {"run": ""}})
    return opened.contact.id


async def said(store: Store, contact: str) -> list[str]:
    """What the flow said to them, in all chats."""
    chats = await store.conversations.of(contact)
    parts: list[Part] = [p for chat in chats for p in await store.parts.after(chat.id, 0, limit=50)]
    return [part.preview for part in parts if part.preview == HELLO.text]


async def tag(bot: Bot, contact: str) -> None:
    await bot.store.contacts.tag([contact], ["vip"], time=now())


async def untag(bot: Bot, contact: str) -> None:
    await bot.store.contacts.untag([contact], ["vip"], time=now())


async def test_whoever_comes_to_match_is_greeted_once_for_each_entry(bot: Bot, store: Store) -> None:
    await watched(bot)
    ada, ben = await chatting(bot), await chatting(bot)
    await tag(bot, ada)
    for _ in range(2):
        await bot.segments_watched.look()
        await store.contacts.update({"_id": ada}, {"$set": {"name": "Ada"}})
    assert (await said(store, ada), await said(store, ben)) == ([HELLO.text], [])
    await untag(bot, ada)
    await bot.segments_watched.look()
    await tag(bot, ada)
    await bot.segments_watched.look()
    assert await said(store, ada) == [HELLO.text] * 2


async def test_members_from_the_start_and_by_an_edit_are_not_greeted(bot: Bot, store: Store) -> None:
    ada, ben = await chatting(bot), await chatting(bot)
    await tag(bot, ada)
    segment = await watched(bot)
    await store.contacts.update({"_id": ada}, {"$set": {"name": "Ada"}})
    await bot.segments_watched.look()
    assert await said(store, ada) == []
    await store.contacts.update({"_id": ben}, {"$set": {"tags": ["gold"]}})
    await bot.segments.set_filter(segment, Filter.of(TagIs(tags=("gold",))), ADA)
    await bot.segments_watched.look()
    assert await said(store, ben) == []
    await store.contacts.update({"_id": ada}, {"$set": {"tags": ["gold"]}})
    await bot.segments_watched.look()
    assert await said(store, ada) == [HELLO.text], "who comes to match after the edit"
    present = await store.segment_members.find({"left_at": {"$exists": False}}, limit=9)
    assert len({member.round for member in present}) == 1, "those of the old filter are forgotten"


async def test_a_paused_flow_is_forgotten_and_begins_anew(bot: Bot, store: Store) -> None:
    await watched(bot)
    ada = await chatting(bot)
    await bot.flows.set_state("club", "paused", ADA)
    bot.runs.scripts.live.cache_clear()
    await bot.segments_watched.look()
    await tag(bot, ada)
    await bot.flows.set_state("club", "live", ADA)
    bot.runs.scripts.live.cache_clear()
    for _ in range(2):
        await bot.segments_watched.look()
    assert await said(store, ada) == []


async def test_a_condition_that_comes_true_with_time(bot: Bot, store: Store) -> None:
    await watched(bot, filter=Filter.of(LastSeen(when=When(beyond_days=30))))
    ada = await chatting(bot)
    await bot.segments_watched.look()
    seen = now() - timedelta(days=30) + timedelta(seconds=30)
    old = seen - timedelta(days=9)
    await store.contacts.update({"_id": ada}, {"$set": {"seen_key": seen, "created_at": old}})
    await bot.segments_watched.look()
    assert await said(store, ada) == []
    await store.contacts.update({"_id": ada}, {"$set": {"seen_key": seen - timedelta(minutes=1)}})
    await bot.segments_watched.look()
    assert await said(store, ada) == [HELLO.text]


@pytest.mark.parametrize("field", ["seen", "consent"])
async def test_nobody_has_to_change_for_that(bot: Bot, store: Store, field: str) -> None:
    """The same without any change of the contact: an index tells."""
    ada = await chatting(bot)
    old = ConsentIs(subscription=DEALS, states=(ConsentState.OPTED_IN,), since=When(beyond_days=0))
    if field == "consent":
        await bot.ledger.record(change(ada, "k1"))
        await bot.consumers.drain()
    await watched(bot, filter=Filter.of(LastSeen(when=When(beyond_days=0)) if field == "seen" else old))
    await store.segment_members.collection.delete_many({})  # as if they had not matched then
    await bot.segments_watched.look()
    assert await said(store, ada) == [HELLO.text]


async def test_without_a_chat_it_starts_with_the_next_visit(bot: Bot, store: Store) -> None:
    await watched(bot)
    maya = person("maya0maya0maya0maya0maya", name="Maya")
    await store.contacts.insert(maya)
    await tag(bot, maya.id)
    await bot.segments_watched.look()
    assert await store.conversations.count_about() == 0
    for _ in range(2):
        opened = await opened_chat(bot, bot.visitors.token(maya.id))
        assert [part.preview for part in opened.parts] == [HELLO.text]
    assert await store.conversations.count_about() == 1


async def test_one_that_only_texts_needs_no_chat(bot: Bot, store: Store) -> None:
    text = SendSmsStep(id="text", subscription=DEALS, text="Your club card is ready")
    await watched(bot, text)
    maya = person("maya0maya0maya0maya0maya", phone="+12015550123")
    await store.contacts.insert(maya)
    await bot.ledger.record(change(maya.id, "k1"))
    await bot.consumers.drain()
    await tag(bot, maya.id)
    for _ in range(2):
        await bot.segments_watched.look()
    texts = [d for d in await store.deliveries.find({}, limit=9) if "club card" in (d.body or d.text or "")]
    assert len(texts) == 1
    opened = await opened_chat(bot, bot.visitors.token(maya.id))
    assert opened.parts[0].preview != "", "they are greeted as always"


async def test_a_lost_position_loses_nobody(bot: Bot, store: Store) -> None:
    await watched(bot)
    ada, ben = await chatting(bot), await chatting(bot)
    await tag(bot, ben)
    await bot.segments_watched.look()
    await tag(bot, ada)
    await untag(bot, ben)
    await store.event_cursors.update({"_id": CURSOR}, {"$set": {"token": {"_data": "8200"}}})
    await bot.segments_watched.look()
    assert await said(store, ada) == [HELLO.text]
    await tag(bot, ben)
    await bot.segments_watched.look()
    assert await said(store, ben) == [HELLO.text] * 2, "leaving was noticed, too"


async def test_a_crash_anywhere_neither_loses_nor_repeats_an_entry(
    bot: Bot, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watched(bot)
    points = 0
    while True:
        ada, left = await chatting(bot), iter(range(points))
        await tag(bot, ada)

        def reached(point: str, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise StoreUnavailable

        with monkeypatch.context() as patched:
            patched.setattr(faults, "reached", reached)
            try:
                await bot.segments_watched.look()
                is_over = True
            except StoreUnavailable:
                is_over = False
        await bot.segments_watched.look()
        await bot.runs.finish_left(now() + timedelta(minutes=1))
        assert await said(store, ada) == [HELLO.text], points
        if is_over:
            break
        points += 1
    assert points > 6
