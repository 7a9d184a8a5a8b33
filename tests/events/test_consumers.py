"""What follows from a consent: the card, the entry, the text, the flow. Each once, also after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from bot.app import Bot, make_bot
from bot.chat.card_submission import Submitted
from bot.chat.visitors import Claim
from bot.config import Settings
from bot.consent.ledger import Ledger
from bot.demo import DEALS, FLOW
from bot.errors import NotFound, StoreUnavailable
from bot.events.consumers.base import Consumer
from bot.events.path import ConsumerPath
from bot.flows.messenger import Opened
from bot.flows.publish import publish
from bot.flows.steps import Say, WaitForConsent
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import Card, CardState, Part
from bot.model.event import ConsentEvent
from bot.model.flow import RunStatus
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.conftest import PATIENCE
from tests.people import act, answer_to, answered, change, greets, look_again, no_consumers, second_process

MakeContact = Callable[..., Awaitable[Contact]]
GREETED = ["text", "card"]
ORDER = pytest.mark.parametrize("is_first", [True, False], ids=["first act", "later"])
DONE = [*GREETED, "event", "text"]


async def _greeted(bot: Bot) -> Opened:
    return await bot.open_messenger(None, Claim(), None)


async def _completed(bot: Bot, *, is_first: bool = True) -> Submitted:
    """The flow's card, completed; as the first act of the visitor, or in a chat that is stored already."""
    opened = await _greeted(bot)
    if not is_first:
        opened = await act(bot, opened)
    card = opened.parts[1]
    answer = await answer_to(bot, card, opened.contact)
    return await bot.submit(card, opened.contact, answer, opened.opening)


async def _orphaned(bot: Bot, *, is_first: bool = True) -> Submitted:
    """The same, by a process that died right after the event."""
    with no_consumers(bot):
        return await _completed(bot, is_first=is_first)


async def _kinds(bot: Bot, conversation: str) -> list[str]:
    return [p.content.kind for p in await bot.conversations.after(conversation, 0)]


async def _is_done(bot: Bot, part: Part) -> None:
    """Each consequence is there, and none twice."""
    assert await _kinds(bot, part.conversation) == DONE
    assert await bot.store.deliveries.count_about() == 1
    stored = await bot.store.parts.get(part.id)
    assert stored
    assert isinstance(stored.content, Card)
    assert stored.content.state is CardState.COMPLETED
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


@ORDER
async def test_a_yes_has_its_consequences_by_itself(bot: Bot, is_first: bool) -> None:
    submitted = await _completed(bot, is_first=is_first)
    await bot.consumers.drain()
    await _is_done(bot, submitted.part)
    assert (submitted.event.flow, submitted.event.flow_version) == (FLOW, 1)


async def test_a_card_of_an_older_version_is_answered_with_the_flow_of_its_chat(bot: Bot) -> None:
    opened = await act(bot, await _greeted(bot))
    content = opened.parts[1].content
    assert isinstance(content, Card)
    part = opened.parts[1].model_copy(update={"content": content.model_copy(update={"flow": None})})
    submitted = await bot.submit(part, opened.contact, await answer_to(bot, part, opened.contact))
    assert (submitted.event.flow, submitted.event.flow_version) == (FLOW, 1)


async def test_a_flow_that_waits_for_a_consent_continues(bot: Bot) -> None:
    """Also from an event that another process recorded, and handled again."""
    await publish(
        bot.store, FLOW, greets(WaitForConsent(id="yes", subscription=DEALS, seconds=60), Say(id="hi", text="Hi"))
    )
    bot.runs.scripts.live.cache_clear()
    opened = await _greeted(bot)
    assert opened.opening is None, "such a flow is stored when it starts"
    with no_consumers(bot):
        await bot.ledger.record(change(opened.contact.id, "k"))
    for _ in range(2):
        await look_again(bot)
    assert await _kinds(bot, opened.conversation) == ["text"]


async def test_a_process_that_stops_finishes_them_first(bot: Bot) -> None:
    submitted = await _completed(bot)
    await bot.finish()
    await _is_done(bot, submitted.part)


@ORDER
async def test_an_event_handled_again_changes_nothing(bot: Bot, is_first: bool) -> None:
    submitted = await _completed(bot, is_first=is_first)
    await bot.consumers.drain()
    before = await bot.conversations.after(submitted.part.conversation, 0)
    assert await bot.consumers.handle([submitted.event]) == []
    assert await bot.consumers.handle([submitted.event], after_crash=True) == []
    assert await bot.conversations.after(submitted.part.conversation, 0) == before
    await _is_done(bot, submitted.part)


@ORDER
async def test_two_processes_that_handle_one_event_at_once_do_nothing_twice(
    bot: Bot, mongo: EmbeddedServer, settings: Settings, is_first: bool
) -> None:
    submitted = await _orphaned(bot, is_first=is_first)
    async with second_process(mongo) as other:
        bots = [bot, await make_bot(settings, other, "http://sayso.test")]
        await asyncio.gather(*(bots[i % 2].consumers.handle([submitted.event]) for i in range(8)))
    await _is_done(bot, submitted.part)


async def test_a_card_without_a_flow_is_completed_too(bot: Bot, make_contact: MakeContact) -> None:
    done = await answered(bot, await make_contact())
    await bot.consumers.drain()
    assert await _kinds(bot, done.part.conversation) == ["card", "event"]


class TestCatchingUp:
    @ORDER
    async def test_what_a_crash_left_undone_is_done_by_the_next_look(self, bot: Bot, is_first: bool) -> None:
        submitted = await _orphaned(bot, is_first=is_first)
        assert await _kinds(bot, submitted.part.conversation) == ([] if is_first else GREETED)
        for _ in range(2):
            await look_again(bot)
            await _is_done(bot, submitted.part)

    @pytest.mark.parametrize(
        ("is_first", "broken"),
        [
            (True, "conversations.insert_many"),
            (True, "deliveries.insert"),
            (False, "deliveries.insert"),
            (False, "parts.insert_many"),
            (False, "conversations.update_many"),
            (False, "conversations.get"),
            (False, "conversations.move_run"),
        ],
    )
    async def test_a_crash_on_the_way_leaves_nothing_undone(
        self, bot: Bot, store: Store, monkeypatch: pytest.MonkeyPatch, is_first: bool, broken: str
    ) -> None:
        table, method = broken.split(".")

        async def away(*_: object) -> None:
            raise StoreUnavailable

        submitted = await _orphaned(bot, is_first=is_first)
        with monkeypatch.context() as patch:
            patch.setattr(getattr(store, table), method, away)
            assert await bot.consumers.handle([submitted.event]) == [submitted.event]
        await look_again(bot)
        await _is_done(bot, submitted.part)

    @ORDER
    async def test_a_crash_before_the_projection_is_repaired(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch, is_first: bool
    ) -> None:
        async def away(*_: object) -> None:
            raise StoreUnavailable

        with monkeypatch.context() as patch:
            patch.setattr(bot.store.contacts, "insert_many" if is_first else "project_many", away)
            with pytest.raises(StoreUnavailable):
                await _completed(bot, is_first=is_first)
        (event,) = await bot.store.events.find({}, limit=2)
        await look_again(bot)
        contact = await bot.store.contacts.get(event.contact)
        assert contact
        assert [c.state for c in contact.consents] == [ConsentState.OPTED_IN]
        part = await bot.store.parts.get(event.context.part or "")
        assert part
        await _is_done(bot, part)

    async def test_the_same_answer_again_is_followed_up_at_once(self, bot: Bot) -> None:
        """A retry of a request whose process died need not wait for the cursor."""
        opened = await _greeted(bot)
        card = opened.parts[1]
        answer = await answer_to(bot, card, opened.contact)
        with no_consumers(bot):
            await bot.submit(card, opened.contact, answer, opened.opening)
        again = await bot.submit(card, opened.contact, answer, opened.opening)
        assert not again.is_new
        await bot.consumers.drain()
        await _is_done(bot, card)

    async def test_the_cursor_follows_up_what_another_process_left(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.events.catch_up.LAG", timedelta(seconds=0.2))
        async with bot.running():
            await _until(lambda: bot.store.event_cursors.count_about())
            submitted = await _orphaned(bot)
            await _until(lambda: bot.store.conversations.find({"run.state.status": "ended"}, limit=1))
        assert await _kinds(bot, submitted.part.conversation) == DONE

    async def test_it_goes_on_from_where_a_dead_holder_left_it(
        self, bot: Bot, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.events.catch_up.LAG", timedelta(0))
        monkeypatch.setattr("bot.events.catch_up.FIRST_LOOK", timedelta(0))
        async with bot.running():
            await _until(lambda: bot.store.event_cursors.count_about())
        submitted = await _orphaned(bot)
        later = await make_bot(settings, bot.store, "http://sayso.test")
        async with later.running():
            await _until(lambda: bot.store.conversations.find({"run.state.status": "ended"}, limit=1))
        assert await _kinds(bot, submitted.part.conversation) == DONE

    async def test_a_lost_token_is_replaced_by_a_scan(self, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bot.events.catch_up.LAG", timedelta(0))
        async with bot.running():
            await _until(lambda: bot.store.event_cursors.count_about())
        await _orphaned(bot)
        await bot.store.event_cursors.update({}, {"$set": {"token": {"_data": "82"}, "at": now()}})
        async with bot.running():
            await _until(lambda: bot.store.conversations.find({"run.state.status": "ended"}, limit=1))

    async def test_what_this_process_handled_is_not_asked_for_again(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await _completed(bot)
        await bot.consumers.drain()
        handled: list[object] = []
        monkeypatch.setattr(bot.consumers, "handle", lambda *args, **_: handled.append(args))
        await look_again(bot)
        assert handled == []


class _Broken(Consumer):
    name = "broken"

    def __init__(self, bad: str = "") -> None:
        self.bad = bad
        self.handled: list[str] = []

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        if self.bad in {event.event for event in events}:
            raise ValueError
        self.handled += [event.event for event in events]


class TestFailing:
    async def test_one_bad_event_fails_no_other_of_its_batch(self, bot: Bot, make_contact: MakeContact) -> None:
        events = [(await bot.ledger.record(change((await make_contact()).id, "k"))).event for _ in range(3)]
        first, later = _Broken(events[1].event), _Broken()
        path = ConsumerPath(((first,), (later,)), bot.spawn)
        assert await path.handle(events) == [events[1]]
        assert first.handled == later.handled == [events[0].event, events[2].event]

    async def test_it_is_tried_again_later_and_keeps_no_other_waiting(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        ledger = Ledger(store)
        bad, good = [(await ledger.record(change((await make_contact()).id, "k"))).event for _ in range(2)]
        consumer = _Broken(bad.event)
        bot.catch_up = type(bot.catch_up)(store, ConsumerPath(((consumer,),), bot.spawn))
        await look_again(bot)
        assert consumer.handled == [good.event]
        (retry,) = await store.event_retries.find({}, limit=2)
        assert retry.due
        assert retry.due > now()
        await bot.catch_up.retry(retry.due)
        (retry,) = await store.event_retries.find({}, limit=2)
        assert retry.tries == 2
        consumer.bad = ""
        assert retry.due
        await bot.catch_up.retry(retry.due)
        assert consumer.handled == [good.event, bad.event]
        assert await store.event_retries.due(now() + timedelta(days=9)) == []


async def _until(check: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await check():  # noqa: ASYNC110 - a database is awaited
            await asyncio.sleep(0.02)
