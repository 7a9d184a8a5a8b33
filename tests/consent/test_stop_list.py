"""STOP beats everything: the number, whoever has it, until the number itself says START."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.app import Bot
from bot.consent.changes import address_change
from bot.consent.ledger import Ledger
from bot.consent.past_permission import permission_at
from bot.consent.permission import permission
from bot.consent.stop_list import StopList
from bot.consent.verify import verify
from bot.demo import DEALS, NEWS, ORDERS
from bot.errors import StoreUnavailable
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.event import Action, Actor, Source, Words
from bot.model.subscription import ConsentType, MessageType, SubscriptionState
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.people import ANOTHER, NUMBER, change, events_of, second_process, subscription

MakeContact = Callable[..., Awaitable[Contact]]


@pytest.fixture
async def ada(bot: Bot, make_contact: MakeContact) -> Contact:
    """She gets deals by text and letters by email; order updates by default."""
    contact = await make_contact(email="ada@example.com")
    await bot.ledger.record(change(contact.id, "deals"))
    await bot.ledger.record(change(contact.id, "news", subscription=NEWS, number=None, email="ada@example.com"))
    return contact


async def _states(bot: Bot, contact: Contact) -> dict[str, ConsentState]:
    found = await bot.ledger.contact(contact.id)
    assert found
    return {c.subscription: c.state for c in found.consents}


async def test_stop_turns_off_every_text_and_nothing_else(bot: Bot, ada: Contact, store: Store) -> None:
    assert await bot.stops.stop(NUMBER, "Stop.", "t1")
    assert await bot.stops.is_stopped(NUMBER)
    assert await _states(bot, ada) == {
        DEALS: ConsentState.OPTED_OUT,
        ORDERS: ConsentState.OPTED_OUT,
        NEWS: ConsentState.OPTED_IN,
    }
    for event in (await events_of(store, ada.id))[2:]:
        assert (event.action, event.source, event.number) == (Action.OPT_OUT, Source.KEYWORD, NUMBER)
        assert event.words == Words(act='texted "Stop."'), "nothing was shown"


async def test_it_holds_for_everyone_who_has_the_number(bot: Bot, ada: Contact, make_contact: MakeContact) -> None:
    others = [await make_contact() for _ in range(3)]
    stranger = await make_contact()
    for other in others:
        await bot.ledger.record(change(other.id, "k"))
    await bot.ledger.record(change(stranger.id, "k", number=ANOTHER))
    await bot.stops.stop(NUMBER, "STOP", "t1")
    for other in (ada, *others):
        assert (await _states(bot, other))[DEALS] is ConsentState.OPTED_OUT
    assert (await _states(bot, stranger))[DEALS] is ConsentState.OPTED_IN
    assert not await bot.stops.is_stopped(ANOTHER)


async def test_it_holds_where_nobody_has_the_number(bot: Bot) -> None:
    assert await bot.stops.stop(ANOTHER, "STOP", "t1")
    assert await bot.stops.among([NUMBER, ANOTHER]) == {ANOTHER}


async def test_a_yes_to_an_archived_subscription_is_taken_back_too(bot: Bot, ada: Contact, store: Store) -> None:
    """It would be good again when the subscription is restored, after a START."""
    await store.subscriptions.update({"_id": DEALS}, {"$set": {"state": SubscriptionState.ARCHIVED}})
    await bot.stops.stop(NUMBER, "STOP", "t1")
    assert (await _states(bot, ada))[DEALS] is ConsentState.OPTED_OUT


async def test_the_same_text_again_changes_nothing_also_after_a_start(bot: Bot, ada: Contact, store: Store) -> None:
    results = await asyncio.gather(*(bot.stops.stop(NUMBER, "STOP", "t1") for _ in range(5)))
    assert results == [True] * 5
    assert len(await events_of(store, ada.id)) == 4
    await bot.stops.lift(NUMBER, "START", "start")
    await bot.ledger.record(change(ada.id, "again"))
    await bot.stops.stop(NUMBER, "STOP", "t1")
    assert not await bot.stops.is_stopped(NUMBER)
    assert (await _states(bot, ada))[DEALS] is ConsentState.OPTED_IN


async def test_a_second_stop_is_heard_but_did_not_stop_the_number(bot: Bot, ada: Contact) -> None:
    """So that it is not answered again."""
    assert await bot.stops.stop(NUMBER, "STOP", "t1")
    assert not await bot.stops.stop(NUMBER, "stop!!", "t2")
    await bot.stops.lift(NUMBER, "START", "start")
    assert await bot.stops.stop(NUMBER, "STOP", "t3")
    assert await bot.stops.is_stopped(NUMBER)


async def test_start_lifts_it_and_says_yes_to_nothing(bot: Bot, ada: Contact) -> None:
    await bot.stops.stop(NUMBER, "STOP", "t1")
    await bot.stops.lift(NUMBER, "START", "start")
    assert not await bot.stops.is_stopped(NUMBER)
    assert (await _states(bot, ada))[DEALS] is ConsentState.OPTED_OUT


class TestAYesDuringTheStop:
    """It is recorded, and never counts: the number's owner may be somebody else."""

    @pytest.mark.parametrize("action", [Action.OPT_IN, Action.REQUEST_CONFIRMATION, Action.CONFIRM])
    @pytest.mark.parametrize("source", [Source.FORM, Source.PREFERENCE_CENTER, Source.KEYWORD, Source.BOT])
    async def test_it_grants_nothing_also_after_the_start(
        self, bot: Bot, store: Store, make_contact: MakeContact, source: Source, action: Action
    ) -> None:
        stranger = await make_contact()
        await bot.stops.stop(NUMBER, "STOP", "t1")
        event = (await bot.ledger.record(change(stranger.id, "k", action, source=source))).event
        assert (event.action, event.stopped, event.state) == (action, True, ConsentState.NONE)
        await bot.stops.lift(NUMBER, "START", "t2")
        contact = await bot.ledger.contact(stranger.id)
        assert contact
        assert (contact.phone, contact.consents[0].stopped) == (None, True), "a stranger's number is not saved"
        offered = await store.subscriptions.get(DEALS)
        assert offered
        assert permission(offered, contact.consents[0], NUMBER, stopped=False).reason == "not_opted_in"
        await bot.consumers.drain()
        assert await store.deliveries.find({"kind": {"$ne": "reply"}}, limit=1) == []
        assert (await verify(store, repair=False)).is_whole

    async def test_the_owners_opt_out_stays_one(self, bot: Bot, ada: Contact) -> None:
        await bot.stops.stop(NUMBER, "STOP", "t1")
        await bot.ledger.record(change(ada.id, "again"))
        await bot.stops.lift(NUMBER, "START", "t2")
        assert (await _states(bot, ada))[DEALS] is ConsentState.OPTED_OUT
        await bot.ledger.record(change(ada.id, "new"))
        assert (await _states(bot, ada))[DEALS] is ConsentState.OPTED_IN

    async def test_a_yes_by_text_after_it_confirms_nothing(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
        ada = await make_contact()
        await bot.stops.stop(NUMBER, "STOP", "t1")
        await bot.ledger.record(change(ada.id, "k", Action.REQUEST_CONFIRMATION))
        await bot.consumers.drain()
        await bot.receive(NUMBER, "START", "t2")
        await bot.receive(NUMBER, "YES", "t3")
        assert (await _states(bot, ada))[DEALS] is ConsentState.NONE

    async def test_a_yes_from_before_a_stop_is_dead_for_who_gets_the_number_back(
        self, bot: Bot, store: Store, ada: Contact
    ) -> None:
        """Their number was another one when the STOP came, so it recorded no opt-out for them."""
        await bot.ledger.record(change(ada.id, "away", Action.CHANGE_ADDRESS, subscription=None, number=ANOTHER))
        await bot.stops.stop(NUMBER, "STOP", "t1")
        await asyncio.sleep(0.002)
        await bot.stops.lift(NUMBER, "START", "t2")
        back = change(ada.id, "back", Action.CHANGE_ADDRESS, subscription=None, number=NUMBER)
        await bot.ledger.record(back)
        past = await permission_at(store, ada.id, DEALS, now())
        assert (past.permission.allowed, past.permission.reason) == (False, "opted_out")
        contact, stop, offered = await bot.ledger.contact(ada.id), await store.stops.get(NUMBER), None
        offered = await store.subscriptions.get(DEALS)
        assert contact
        assert stop
        assert offered
        answer = permission(
            offered, contact.consent(DEALS), NUMBER, stopped=stop.holds, revoked_until=stop.revoked_until
        )
        assert answer == past.permission

    async def test_a_yes_at_the_same_moment_never_counts_after_the_start(
        self, bot: Bot, store: Store, make_contact: MakeContact, mongo: EmbeddedServer
    ) -> None:
        """Whichever comes first: marked as stopped, opted out by the STOP, or older than the START."""
        people = [await make_contact() for _ in range(24)]
        async with second_process(mongo) as other:
            there = StopList(other, Ledger(other))
            yes = (bot.ledger.record(change(person.id, "yes")) for person in people)
            await asyncio.gather(*yes, there.stop(NUMBER, "STOP", "t1"))
            late = [await make_contact() for _ in range(3)]
            for person in late:
                assert (await bot.ledger.record(change(person.id, "late"))).event.stopped, "it comes after the STOP"
            await there.lift(NUMBER, "START", "t2")
        offered, stop = await store.subscriptions.get(DEALS), await store.stops.get(NUMBER)
        assert offered
        assert stop
        for person in (*people, *late):
            contact = await bot.ledger.contact(person.id)
            assert contact
            answer = permission(
                offered, contact.consent(DEALS), NUMBER, stopped=stop.holds, revoked_until=stop.revoked_until
            )
            assert not answer.allowed
        assert (await verify(store, repair=False)).is_whole

    async def test_a_start_without_a_stop_revokes_nothing(self, bot: Bot, store: Store, ada: Contact) -> None:
        await bot.receive(NUMBER, "START", "t1")
        stop = await store.stops.get(NUMBER)
        assert stop
        assert (stop.holds, stop.revoked_until) == (False, None)


async def test_stop_covers_what_was_never_answered(bot: Bot, store: Store, make_contact: MakeContact) -> None:
    """So that nobody else's grant can be recorded without meeting it, see `bot.consent.overrides`."""
    draft = subscription("d" * 24, name="Draft", state=SubscriptionState.DRAFT)
    await store.subscriptions.insert(draft)
    bob = await make_contact(phone=NUMBER)
    await bot.stops.stop(NUMBER, "STOP", "t1")
    assert await _states(bot, bob) == dict.fromkeys((DEALS, ORDERS, draft.id), ConsentState.OPTED_OUT)


async def test_a_stop_that_could_not_be_kept_is_told_and_asked_again(
    bot: Bot, ada: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> list[Any]:
        return [StoreUnavailable()]

    with monkeypatch.context() as patch:
        patch.setattr(bot.ledger, "record_many", away)
        with pytest.raises(StoreUnavailable):
            await bot.stops.stop(NUMBER, "STOP", "t1")
    assert await bot.stops.is_stopped(NUMBER), "the list comes first"
    await bot.stops.stop(NUMBER, "STOP", "t1")
    assert (await _states(bot, ada))[DEALS] is ConsentState.OPTED_OUT


async def test_more_people_than_a_page_are_all_found(bot: Bot, store: Store, make_contact: MakeContact) -> None:
    people = [await make_contact(phone=NUMBER) for _ in range(230)]
    await bot.stops.stop(NUMBER, "STOP", "t1")
    states = [await _states(bot, person) for person in people]
    assert all(state[ORDERS] is ConsentState.OPTED_OUT for state in states)


@pytest.mark.parametrize("consent_type", list(ConsentType))
def test_nothing_is_permitted_while_it_holds(consent_type: ConsentType) -> None:
    answer = permission(
        subscription(consent_type=consent_type, message_type=MessageType.SMS), None, NUMBER, stopped=True
    )
    assert (answer.allowed, answer.reason) == (False, "stopped")


class TestLog:
    """Every STOP and START of a number is kept."""

    async def test_each_is_an_entry_once(self, bot: Bot, store: Store) -> None:
        for word, text_id in (("STOP", "t1"), ("STOP", "t1"), ("STOP", "t2"), ("START", "t3"), ("STOP", "t4")):
            await bot.receive(NUMBER, word, text_id)
        said = await store.stop_events.after(NUMBER, 0, limit=9)
        assert [(entry.action, entry.key) for entry in said] == [
            ("stop", f"{NUMBER}:t1"),
            ("stop", f"{NUMBER}:t2"),
            ("start", f"{NUMBER}:t3"),
            ("stop", f"{NUMBER}:t4"),
        ]
        stop = await store.stops.get(NUMBER)
        assert stop
        assert (stop.holds, stop.text_id, stop.seq) == (True, "t4", 4)

    async def test_many_at_once_make_one_log_without_gaps(self, bot: Bot, store: Store, mongo: EmbeddedServer) -> None:
        async with second_process(mongo) as other:
            lists = [bot.stops, StopList(other, Ledger(other))]
            await asyncio.gather(*(lists[i % 2].stop(NUMBER, "STOP", f"t{i % 6}") for i in range(12)))
        said = await store.stop_events.after(NUMBER, 0, limit=20)
        assert [entry.seq for entry in said] == list(range(1, 7))
        stop = await store.stops.get(NUMBER)
        assert stop
        assert (stop.seq, stop.holds) == (6, True)

    async def test_a_crash_between_list_and_log_loses_no_entry(
        self, bot: Bot, store: Store, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def dies(*_: object) -> None:
            raise StoreUnavailable

        maya = await make_contact()
        await bot.ledger.record(change(maya.id, "yes"))
        with monkeypatch.context() as patch:
            patch.setattr(store.stop_events, "insert_many", dies)
            with pytest.raises(StoreUnavailable):
                await bot.stops.stop(NUMBER, "STOP", "t1")
        assert await bot.stops.is_stopped(NUMBER)
        past = await permission_at(store, maya.id, DEALS, now())
        assert past.stop
        assert past.stop.text == "STOP"
        await bot.stops.lift(NUMBER, "START", "t2")
        said = await store.stop_events.after(NUMBER, 0, limit=9)
        assert [(entry.seq, entry.text) for entry in said] == [(1, "STOP"), (2, "START")]


class TestPast:
    """Might we have texted then, and why not?"""

    async def test_each_instant_has_its_answer(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        maya, times, answers = await make_contact(), [], []

        async def mark() -> None:
            times.append(now())
            await asyncio.sleep(0.002)

        await mark()
        yes = (await bot.ledger.record(change(maya.id, "yes"))).event
        await mark()
        await bot.receive(NUMBER, "STOP", "t1")
        await mark()
        await bot.receive(NUMBER, "START", "t2")
        await mark()
        again = (await bot.ledger.record(change(maya.id, "again"))).event
        await mark()
        await bot.ledger.record(
            address_change(maya.id, source=Source.API, actor=Actor(kind="api", id="site"), key="n", phone=ANOTHER)
        )
        await mark()
        for time in times:
            found = await permission_at(store, maya.id, DEALS, time)
            answers.append((found.permission.reason, found.consent and found.consent.event, bool(found.stop)))
        no = next(e.event for e in await events_of(store, maya.id) if e.action is Action.OPT_OUT)
        assert [answer[0] for answer in answers] == [
            "no_valid_number", answers[1][0], "stopped", "opted_out", answers[4][0], "number_changed",
        ]  # fmt: skip
        assert answers[1][0] in {"opted_in", "weak_evidence"}
        assert [answer[1] for answer in answers] == [None, yes.event, no, no, again.event, again.event]
        assert [answer[2] for answer in answers] == [False, False, True, False, False, False]
