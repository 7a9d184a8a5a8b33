"""What follows from a card that was completed: the text, the entry, the flow. Each once, also after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from bot.app import STALLED, Bot, Opened, make_bot
from bot.chat.cards import Submitted
from bot.chat.visitors import Claim
from bot.config import Settings
from bot.errors import NotFound, StoreUnavailable
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.conversation import Part
from bot.model.event import ConsentEvent
from bot.model.flow import RunStatus
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.people import answer_to, answered, change, second_process

MakeContact = Callable[..., Awaitable[Contact]]
GREETED = ["text", "card"]
DONE = [*GREETED, "event", "text"]


async def _greeted(bot: Bot) -> Opened:
    return await bot.open_messenger(None, Claim(), None)


async def _completed(bot: Bot) -> Submitted:
    """The flow's card, completed by a process that died before anything followed from it."""
    opened = await _greeted(bot)
    card = opened.parts[1]
    answer = await answer_to(bot, card, opened.contact)
    return await bot.cards.submit(card, opened.contact, await bot.workspace(), answer)


async def _kinds(bot: Bot, conversation: str) -> list[str]:
    return [p.content.kind for p in await bot.conversations.after(conversation, 0)]


async def _is_done(bot: Bot, part: Part) -> None:
    assert await _kinds(bot, part.conversation) == DONE
    assert await bot.store.deliveries.count_about() == 1
    stored = await bot.store.parts.get(part.id)
    assert stored
    assert stored.follow_up is None
    conversation = await bot.store.conversations.get(part.conversation)
    assert conversation
    assert conversation.run
    assert conversation.run.state.status is RunStatus.ENDED


async def test_a_newcomer_is_greeted_by_the_flow(bot: Bot) -> None:
    opened = await _greeted(bot)
    assert [p.content.kind for p in opened.parts] == GREETED
    assert (opened.fresh, opened.last) == ([1, 2], 2)
    again = await bot.open_messenger(opened.token, Claim(), None)
    assert (again.conversation, again.fresh, again.parts) == (opened.conversation, [], opened.parts)


async def test_a_new_conversation_is_greeted_anew(bot: Bot) -> None:
    opened = await _greeted(bot)
    other = await bot.open_messenger(opened.token, Claim(), "new")
    assert other.conversation != opened.conversation
    assert other.contact.id == opened.contact.id


async def test_nobody_opens_another_s_conversation(bot: Bot) -> None:
    opened, stranger = await _greeted(bot), await _greeted(bot)
    with pytest.raises(NotFound):
        await bot.open_messenger(stranger.token, Claim(), opened.conversation)


async def test_a_yes_is_followed_by_a_text_an_entry_and_the_flow(bot: Bot) -> None:
    done = await _completed(bot)
    part = done.part
    assert await _kinds(bot, part.conversation) == GREETED
    await bot.follow_up(part, done.event)
    await _is_done(bot, part)


async def test_a_process_that_stops_first_does_what_follows(bot: Bot) -> None:
    opened = await _greeted(bot)
    card = opened.parts[1]
    submitted = await bot.submit(card, opened.contact, await answer_to(bot, card, opened.contact))
    await bot.finish()
    await _is_done(bot, submitted.part)


async def test_following_up_twice_does_nothing_twice(bot: Bot) -> None:
    done = await _completed(bot)
    part = done.part
    for _ in range(2):
        await bot.follow_up(part, done.event)
    await _is_done(bot, part)


async def test_two_processes_that_follow_up_at_once_do_nothing_twice(
    bot: Bot, mongo: EmbeddedServer, settings: Settings
) -> None:
    done = await _completed(bot)
    part = done.part
    async with second_process(mongo) as other:
        bots = [bot, await make_bot(settings, other, "http://sayso.test")]
        await asyncio.gather(*(bots[i % 2].follow_up(part, done.event) for i in range(8)))
    await _is_done(bot, part)


@pytest.mark.parametrize(
    "broken", ["deliveries.insert", "parts.insert_many", "conversations.get", "conversations.move_run", "parts.update"]
)
async def test_a_crash_on_the_way_is_made_good(
    bot: Bot, store: Store, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    done = await _completed(bot)
    part = done.part
    table, method = broken.split(".")

    async def away(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(getattr(store, table), method, away)
        with pytest.raises(StoreUnavailable):
            await bot.follow_up(part, done.event)
    await _grow_old(store)
    await bot.resume_overdue()
    await bot.resume_overdue()
    await _is_done(bot, part)


async def test_recovery_finishes_what_a_crash_left_and_leaves_alone_what_is_under_way(bot: Bot, store: Store) -> None:
    done = await _completed(bot)
    part = done.part
    await bot.resume_overdue()
    assert await _kinds(bot, part.conversation) == GREETED, "another process may be at it just now"
    await _grow_old(store)
    await bot.resume_overdue()
    await _is_done(bot, part)


async def test_submitting_through_the_bot_goes_on_by_itself(bot: Bot) -> None:
    opened = await _greeted(bot)
    card = opened.parts[1]
    async with bot.running():
        submitted: Submitted = await bot.submit(card, opened.contact, await answer_to(bot, card, opened.contact))
        assert submitted.is_new
    assert await _kinds(bot, card.conversation) == DONE, "work behind a request is finished before the process stops"


async def test_a_card_without_a_flow_is_followed_up_too(bot: Bot, make_contact: MakeContact) -> None:
    ada = await make_contact()
    done = await answered(bot, ada)
    part = done.part
    await bot.follow_up(part, done.event)
    assert await _kinds(bot, part.conversation) == ["card", "event"]


async def _grow_old(store: Store) -> None:
    past = now() - STALLED - timedelta(seconds=1)
    await store.parts.collection.update_many({"follow_up": {"$exists": True}}, {"$set": {"follow_up": past}})


async def test_a_crash_between_the_answer_and_the_card_is_made_good_at_the_next_start(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(bot.store.parts, "update", dies)
        with pytest.raises(StoreUnavailable):
            await _completed(bot)
    (conversation,) = await bot.store.conversations.find({}, limit=2)
    card = (await bot.conversations.after(conversation.id, 0))[1]
    assert await _kinds(bot, conversation.id) == GREETED
    for _ in range(2):
        await bot.catch_up()
    await _is_done(bot, card)


async def test_mending_leaves_alone_what_is_whole(bot: Bot) -> None:
    submitted = await _completed(bot)
    await bot.follow_up(submitted.part, submitted.event)
    before = await bot.store.parts.find({}, sort=[("_id", 1)], limit=20)
    await bot.catch_up()
    assert await bot.store.parts.find({}, sort=[("_id", 1)], limit=20) == before


async def test_one_card_that_cannot_be_followed_up_keeps_no_other_waiting(bot: Bot) -> None:
    bad, good = await _completed(bot), await _completed(bot)
    long_ago = now() - STALLED - timedelta(seconds=1)
    for submitted in (bad, good):
        await bot.store.parts.update({"_id": submitted.part.id}, {"$set": {"follow_up": long_ago}})
    await bot.store.conversations.collection.delete_one({"_id": bad.part.conversation})
    await bot.resume_overdue()
    assert await _kinds(bot, good.part.conversation) == DONE
    later = await bot.store.parts.get(bad.part.id)
    assert later
    assert later.follow_up
    assert later.follow_up > long_ago


async def test_a_database_that_went_away_after_the_answer_is_made_good_by_the_living_process(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bot.catch_up()

    async def away(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(bot.store.parts, "update", away)
        with pytest.raises(StoreUnavailable):
            await _completed(bot)
    (conversation,) = await bot.store.conversations.find({}, limit=2)
    await bot.catch_up(until=now() + timedelta(seconds=1))
    await _is_done(bot, (await bot.conversations.after(conversation.id, 0))[1])


async def test_one_card_that_cannot_be_mended_keeps_no_other_waiting(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(bot.store.parts, "update", away)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await _completed(bot)
    bad, good = await bot.store.conversations.find({}, sort=[("created_at", 1)], limit=2)
    await bot.store.conversations.collection.delete_one({"_id": bad.id})
    await bot.catch_up(until=now() + timedelta(seconds=1))
    assert await _kinds(bot, good.id) == DONE


async def test_one_answer_whose_text_cannot_be_queued_keeps_no_other_waiting(
    bot: Bot, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = [await bot.ledger.record(change((await make_contact()).id, "k")) for _ in range(2)]
    queue_for = bot.deliveries.queue_for

    async def broken(events: Sequence[ConsentEvent]) -> None:
        if bad.event in events:
            raise ValueError
        await queue_for(events)

    monkeypatch.setattr(bot.deliveries, "queue_for", broken)
    await bot.catch_up(until=now() + timedelta(seconds=1))
    assert [d.event for d in await bot.store.deliveries.find({}, limit=5)] == [good.event.event]
