"""A flow starts once for each contact who comes to match a segment."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot import fault_points
from bot.app import Bot
from bot.demo import DEALS
from bot.errors import FilterTooBroad, StoreUnavailable
from bot.events.segment_watching import CURSOR
from bot.flows import segment_starts
from bot.flows.document import FlowDocument
from bot.flows.publish import create
from bot.flows.steps import Say, SendSmsStep, Step, TagStep
from bot.flows.triggers import SegmentEntered
from bot.model.base import now
from bot.model.contact import ConsentState
from bot.model.conversation import Part
from bot.model.event import Actor, Source
from bot.model.filter import ConsentIs, Filter, LastSeen, TagIs, When
from bot.model.segment_member import SegmentMember
from bot.model.tag import Tag
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


async def test_an_edit_of_the_filter_keeps_who_is_expected(bot: Bot, store: Store) -> None:
    segment = await watched(bot)
    maya = person("maya0maya0maya0maya0maya", name="Maya")
    await store.contacts.insert(maya)
    await tag(bot, maya.id)
    await bot.segments_watched.look()
    await bot.segments.set_filter(segment, Filter.of(TagIs(tags=("vip", "gold"))), ADA)
    await bot.segments_watched.look()
    for _ in range(2):
        opened = await opened_chat(bot, bot.visitors.token(maya.id))
        assert [part.preview for part in opened.parts] == [HELLO.text]


async def test_whoever_a_slow_database_cannot_tell_of_has_not_left(
    bot: Bot, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben = await chatting(bot), await chatting(bot)
    await tag(bot, ada)
    await watched(bot)
    await store.contacts.update({"_id": ada}, {"$set": {"name": "Ada"}})
    await tag(bot, ben)
    with monkeypatch.context() as patched:
        patched.setattr(bot.finder, "among", AsyncMock(side_effect=FilterTooBroad))
        with pytest.raises(StoreUnavailable):
            await bot.segments_watched.look()
    for name in ("Ada L.", "Ada Lovelace"):
        await bot.segments_watched.look()
        await store.contacts.update({"_id": ada}, {"$set": {"name": name}})
    assert (await said(store, ada), await said(store, ben)) == ([], [HELLO.text])


async def test_members_are_forgotten_in_pages(bot: Bot, store: Store) -> None:
    ids = [await chatting(bot) for _ in range(3)]
    for id in ids:
        await tag(bot, id)
    segment = await watched(bot)
    watch = (await store.segment_watches.all())[0]
    assert not await store.segment_members.forget(segment, but=watch.round)
    left = []
    while await store.segment_members.forget(segment, limit=1):
        left.append(len(await store.segment_members.find({"left_at": {"$exists": False}}, limit=9)))
    assert left == [2, 1, 0]


async def test_a_flow_that_goes_live_before_all_are_forgotten_greets_none_of_them(bot: Bot, store: Store) -> None:
    ada = await chatting(bot)
    await tag(bot, ada)
    segment = await watched(bot)
    await bot.flows.set_state("club", "paused", ADA)
    bot.runs.scripts.live.cache_clear()
    await bot.segments_watched.look(lambda: False)  # the process ends meanwhile
    await store.segment_members.forget(segment, limit=1)
    await bot.flows.set_state("club", "live", ADA)
    bot.runs.scripts.live.cache_clear()
    for name in ("Ada", "Ada L."):
        await bot.segments_watched.look()
        await store.contacts.update({"_id": ada}, {"$set": {"name": name}})
    assert await said(store, ada) == []


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


@pytest.mark.parametrize("field", ["seen", "consent", "consent of a merged contact"])
async def test_nobody_has_to_change_for_that(bot: Bot, store: Store, field: str) -> None:
    """The same without any change of the contact: an index tells."""
    ada = await chatting(bot)
    old = ConsentIs(subscription=DEALS, states=(ConsentState.OPTED_IN,), since=When(beyond_days=0))
    if field != "seen":
        earlier = ada if field == "consent" else await chatting(bot)
        await bot.ledger.record(change(earlier, "k1"))
        await bot.consumers.drain()
        if earlier != ada:
            await bot.merge.merge(ada, earlier, Actor(kind="teammate", id="ada"), Source.PROFILE)
    since = now() - timedelta(hours=1)
    await watched(bot, filter=Filter.of(LastSeen(when=When(beyond_days=0)) if field == "seen" else old))
    await store.segment_members.collection.delete_many({})  # as if they had not matched then
    await store.event_cursors.update({"_id": CURSOR}, {"$set": {"at": since}})
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


async def test_one_whose_flow_cannot_start_waits_and_holds_up_nobody(
    bot: Bot, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watched(bot)
    ada, ben = await chatting(bot), await chatting(bot)
    start = bot.segment_starts.entered

    async def entered(member: SegmentMember) -> None:
        if member.contact == ada:
            raise ValueError("no")
        await start(member)

    with monkeypatch.context() as patched:
        patched.setattr(bot.segment_starts, "entered", entered)
        patched.setattr(store.segment_members, "due", partial(store.segment_members.due, limit=1))
        for contact in (ada, ben):
            await tag(bot, contact)
            await bot.segments_watched.look()
        assert (await said(store, ada), await said(store, ben)) == ([], [HELLO.text])
        await bot.segments_watched.start_due(now() + timedelta(seconds=11))
    [late] = await store.segment_members.find({"due": {"$exists": True}}, limit=9)
    assert late.contact == ada
    assert late.tries > 1, "it waits longer each time"
    await bot.segments_watched.start_due(now() + timedelta(minutes=1))
    assert await said(store, ada) == [HELLO.text]


async def test_a_chat_that_changes_meanwhile_costs_no_start(
    bot: Bot, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watched(bot)
    ada = await chatting(bot)
    await tag(bot, ada)
    with monkeypatch.context() as patched:
        patched.setattr(store.conversations, "begin_run", AsyncMock(return_value=False))
        await bot.segments_watched.look()
    assert await said(store, ada) == []
    await bot.segments_watched.start_due(now() + timedelta(minutes=1))
    assert await said(store, ada) == [HELLO.text]


async def test_an_entry_that_was_handled_late_is_not_the_next_one(bot: Bot, store: Store) -> None:
    await watched(bot)
    maya = person("maya0maya0maya0maya0maya", name="Maya")
    await store.contacts.insert(maya)
    await tag(bot, maya.id)
    await bot.segments_watched.look()
    [first] = await store.segment_members.expected(maya.id)
    await untag(bot, maya.id)
    await bot.segments_watched.look()
    await tag(bot, maya.id)
    await bot.segments_watched.look()
    await store.segment_members.handled(first)
    [second] = await store.segment_members.expected(maya.id)
    assert second.entry != first.entry


async def test_flows_that_move_a_contact_around_for_ever_are_stopped(
    bot: Bot, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(segment_starts, "MOST_ENTRIES", 3)
    ada = await chatting(bot)
    for tag_id, other in (("vip", "gold"), ("gold", "vip")):
        await store.tags.insert(Tag(id=tag_id, name=tag_id, by="ada", created_at=now()))
        segment = await bot.segments.save(tag_id, Filter.of(TagIs(tags=(tag_id,))), ADA)
        steps = TagStep(id="in", tag=other), TagStep(id="out", tag=tag_id, is_removed=True)
        document = FlowDocument(triggers=(SegmentEntered(segment=segment.id),), steps=steps)
        await create(store, document, id=tag_id)
    bot.runs.scripts.live.cache_clear()
    await bot.segments_watched.look()
    await tag(bot, ada)
    for _ in range(9):
        await bot.segments_watched.look()
    [vip] = await store.segment_members.find({"left_at": {"$exists": False}}, limit=9)
    assert vip.entries == 4
    assert f"contact {ada} entered segment {vip.segment} more than 3 times" in caplog.text
    await untag(bot, ada)
    await bot.segments_watched.look()
    await store.segment_members.collection.update_many({}, {"$set": {"counted_from": now() - timedelta(days=1)}})
    await tag(bot, ada)
    await bot.segments_watched.look()
    contact = await store.contacts.get(ada)
    assert contact
    assert contact.tags == ("gold",), "the next day it counts anew"


async def crashed(bot: Bot, monkeypatch: pytest.MonkeyPatch, points: int) -> bool:
    """Looks, and whether it ended before it had come past so many fault points."""
    left = iter(range(points))

    def reached(point: str) -> None:
        if next(left, None) is None:
            raise StoreUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(fault_points, "reached", reached)
        try:
            await bot.segments_watched.look()
        except StoreUnavailable:
            return True
    return False


async def test_a_crash_anywhere_neither_loses_nor_repeats_an_entry(
    bot: Bot, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watched(bot)
    points, is_over = 0, False
    while not is_over:
        ada = await chatting(bot)
        await tag(bot, ada)
        is_over = not await crashed(bot, monkeypatch, points)
        await bot.segments_watched.look()
        await bot.runs.finish_left(now() + timedelta(minutes=1))
        assert await said(store, ada) == [HELLO.text], points
        points += 1
    assert points > 7


async def test_a_crash_in_the_first_look_loses_nobody(bot: Bot, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await watched(bot)
    points, is_over, were_ready = 0, False, 0
    while not is_over:
        for table in (store.event_cursors, store.segment_watches, store.segment_members):
            await table.collection.delete_many({})
        ada = await chatting(bot)
        is_over = not await crashed(bot, monkeypatch, points)
        is_ready = all(watch.is_ready for watch in await store.segment_watches.all())
        await tag(bot, ada)
        await bot.segments_watched.look()
        assert await said(store, ada) == [HELLO.text] * is_ready, points
        points, were_ready = points + 1, were_ready + is_ready
    assert were_ready > 2
