"""Texts that leave: permission at the moment of sending (law 7), at most once (law 8), the words they must have."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from bot.app import Bot
from bot.consent.ledger import Ledger
from bot.consent.stop_list import StopList
from bot.demo import DEALS, ORDERS
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.event import Action, ConsentEvent, Source, Words
from bot.model.subscription import SubscriptionState
from bot.outbound.delivery_links import DeliveryLinks
from bot.outbound.facts import FactReader
from bot.outbound.gateways import GatewayError, Outgoing
from bot.outbound.gateways.simulator import Simulator
from bot.outbound.kinds import KINDS, Facts
from bot.outbound.queue import DeliveryQueue
from bot.outbound.results import MOST_ATTEMPTS
from bot.outbound.sender import Sender
from bot.store import Store
from bot.store.delivery_queue import Result
from bot.store.embedded import EmbeddedServer
from tests.conftest import PATIENCE, eventually
from tests.outbound.carrier import Carrier, Crash, raising, through
from tests.people import ANOTHER, NUMBER, change, no_consumers, second_process
from tests.store.wire import listened_to

MakeContact = Callable[..., Awaitable[Contact]]


async def _yes(bot: Bot, contact: Contact, key: str = "k", **values: Any) -> ConsentEvent:
    return (await bot.ledger.record(change(contact.id, key, **values))).event


async def _claim_lapses(store: Store) -> None:
    await store.deliveries.update({"due_at": {"$exists": True}}, {"$set": {"due_at": now()}})


async def _time_to_ask(store: Store) -> None:
    await store.deliveries.update({"ask_at": {"$exists": True}}, {"$set": {"ask_at": now()}})


async def _only(store: Store) -> Delivery:
    (delivery,) = await store.deliveries.find({}, limit=2)
    return delivery


@pytest.fixture(autouse=True)
def _claims_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until `_claim_lapses`, however slow the machine is."""
    for module in ("queue", "sender"):
        monkeypatch.setattr(f"bot.outbound.{module}.CLAIMED_FOR", timedelta(seconds=PATIENCE))


@pytest.fixture
async def ada(make_contact: MakeContact) -> Contact:
    return await make_contact()


@pytest.fixture
async def queued(bot: Bot, ada: Contact) -> ConsentEvent:
    """Ada's yes, with its text queued."""
    event = await _yes(bot, ada)
    await bot.deliveries.queue_for([event])
    return event


async def _is_blocked(bot: Bot, reason: str) -> None:
    provider = Carrier()
    assert await through(bot, provider).send_some() == 1
    assert provider.handed == []
    delivery = await _only(bot.store)
    assert (delivery.state, delivery.reason, delivery.body) == (DeliveryState.BLOCKED, reason, None)
    assert delivery.checked_at


class TestConfirmation:
    async def test_a_yes_is_confirmed_by_a_text(self, bot: Bot, queued: ConsentEvent, store: Store) -> None:
        assert (await _only(store)).state is DeliveryState.QUEUED
        assert await bot.sender.send_some() == 1
        (text,) = await bot.phone.texts(NUMBER)
        delivery = await _only(store)
        assert (delivery.state, delivery.provider_id, text.id) == (DeliveryState.SENT, None, delivery.id)
        assert (delivery.event, delivery.number, delivery.subscription) == (queued.event, NUMBER, DEALS)
        assert delivery.checked_at

    async def test_it_says_who_what_how_often_what_it_costs_and_how_to_stop(
        self, bot: Bot, queued: ConsentEvent, store: Store
    ) -> None:
        await bot.sender.send_some()
        (text,) = await bot.phone.texts(NUMBER)
        for needed in (
            "Harbor Coffee",
            "Deals and new roasts",
            "Up to 4 msgs/month",
            "Msg & data rates may apply",
            "Reply HELP for help",
            "STOP to cancel",
        ):
            assert needed in text.body
        assert "%" not in text.body

    async def test_its_link_opens_the_person_s_choices(
        self, bot: Bot, ada: Contact, queued: ConsentEvent, store: Store
    ) -> None:
        await bot.sender.send_some()
        (text,) = await bot.phone.texts(NUMBER)
        link = re.search(r"http://sayso\.test/p/([\w-]+)", text.body)
        assert link
        assert (await bot.preferences.look(link[1])).contact.id == ada.id

    async def test_one_that_was_queued_without_a_link_gets_it(
        self, bot: Bot, ada: Contact, queued: ConsentEvent, store: Store
    ) -> None:
        """By an earlier version."""
        await store.deliveries.update({}, {"$unset": {"link": ""}})
        await bot.sender.send_some()
        (text,) = await bot.phone.texts(NUMBER)
        link = re.search(r"/p/([\w-]+)", text.body)
        assert link
        assert (await bot.preferences.look(link[1])).contact.id == ada.id

    async def test_its_token_is_on_the_phone_and_nowhere_in_what_we_keep(
        self, bot: Bot, queued: ConsentEvent, store: Store
    ) -> None:
        await bot.sender.send_some()
        (text,) = await bot.phone.texts(NUMBER)
        link = re.search(r"/p/([\w-]+)", text.body)
        assert link
        for table in store.tables:
            async for document in table.collection.find({}):
                assert link[1] not in repr(document), table.name
        delivery = await _only(store)
        assert delivery.body == text.body.replace(link[1], "•" * 8)

    async def test_one_yes_has_one_text_however_often_it_is_asked_for(
        self, bot: Bot, queued: ConsentEvent, store: Store
    ) -> None:
        await asyncio.gather(*(bot.deliveries.queue_for([queued]) for _ in range(10)))
        await bot.sender.send_some()
        await bot.deliveries.queue_for([queued])
        assert await bot.sender.send_some() == 0
        assert len(await bot.phone.texts(NUMBER)) == 1

    async def test_two_events_have_two_texts(self, bot: Bot, ada: Contact, queued: ConsentEvent, store: Store) -> None:
        await bot.deliveries.queue_for([await _yes(bot, ada, "again")])
        assert await bot.sender.send_some() == 2
        assert len(await bot.phone.texts(NUMBER)) == 2

    async def test_a_yes_to_emails_has_no_text(self, bot: Bot, ada: Contact, store: Store) -> None:
        await bot.deliveries.queue_for([await _yes(bot, ada, number=None, email="ada@example.com")])
        assert await store.deliveries.count_about() == 0

    async def test_it_speaks_the_language_of_the_form(self, bot: Bot, ada: Contact, store: Store) -> None:
        words = Words(subscription_name="Ofertas", locale="es", act="x")
        await bot.deliveries.queue_for([await _yes(bot, ada, words=words)])
        assert (await _only(store)).locale == "es"

    async def test_without_a_form_it_speaks_the_language_of_the_person(
        self, bot: Bot, ada: Contact, store: Store
    ) -> None:
        await bot.contacts.set_locale(ada, "de")
        await bot.deliveries.queue_for([await _yes(bot, ada, source=Source.PROFILE, words=None)])
        assert (await _only(store)).locale == "de"


class TestPermission:
    """Law 7."""

    async def test_a_yes_taken_back_after_the_text_was_queued_stops_it(
        self, bot: Bot, ada: Contact, queued: ConsentEvent
    ) -> None:
        await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT))
        await _is_blocked(bot, "opted_out")

    async def test_also_when_the_writer_died_before_the_standing_was_stored(
        self, bot: Bot, ada: Contact, queued: ConsentEvent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The sender asks the ledger, not the projection that a crash left behind."""

        async def lost(_: object) -> None:
            return None

        with monkeypatch.context() as patch:
            patch.setattr(bot.store.contacts, "project_many", lost)
            await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT))
        await _is_blocked(bot, "opted_out")

    async def test_a_subscription_archived_meanwhile_sends_nothing(self, bot: Bot, queued: ConsentEvent) -> None:
        await bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"state": SubscriptionState.ARCHIVED}})
        await _is_blocked(bot, "subscription_not_live")

    async def test_a_number_changed_meanwhile_gets_nothing_and_neither_does_the_old_one(
        self, bot: Bot, ada: Contact, queued: ConsentEvent
    ) -> None:
        await bot.ledger.record(change(ada.id, "new", Action.CAPTURE_PHONE, number=ANOTHER))
        await _is_blocked(bot, "number_changed")

    async def test_nor_when_the_new_number_said_yes_too(self, bot: Bot, ada: Contact, queued: ConsentEvent) -> None:
        with no_consumers(bot):
            await bot.ledger.record(change(ada.id, "n", Action.CHANGE_ADDRESS, subscription=None, number=ANOTHER))
            await _yes(bot, ada, "new", number=ANOTHER)
        await _is_blocked(bot, "number_changed")

    async def test_a_new_number_without_a_yes_gets_no_text_that_needs_none(self, bot: Bot, ada: Contact) -> None:
        await bot.deliveries.queue_for([await _yes(bot, ada, subscription=ORDERS)])
        await bot.ledger.record(change(ada.id, "new", Action.CAPTURE_PHONE, number=ANOTHER))
        await _is_blocked(bot, "number_changed")

    async def test_a_contact_who_is_gone_gets_nothing(self, bot: Bot, ada: Contact, queued: ConsentEvent) -> None:
        await bot.store.contacts.collection.delete_one({"_id": ada.id})
        await _is_blocked(bot, "contact_gone")

    async def test_a_number_that_became_invalid_gets_nothing(
        self, bot: Bot, ada: Contact, queued: ConsentEvent
    ) -> None:
        await bot.store.contacts.update({"_id": ada.id}, {"$set": {"phone": "+1201555"}})
        await _is_blocked(bot, "no_valid_number")


class TestAtMostOnce:
    """Law 8."""

    async def test_two_workers_at_once_send_each_text_once(
        self, bot: Bot, make_contact: MakeContact, mongo: EmbeddedServer
    ) -> None:
        people = [await make_contact() for _ in range(100)]
        events = await asyncio.gather(
            *(_yes(bot, one, number=f"+1201555{i + 100:04d}") for i, one in enumerate(people))
        )
        await asyncio.gather(*(bot.deliveries.queue_for([event]) for event in events))
        provider = Carrier()
        async with second_process(mongo) as other:
            workers = [through(bot, provider), through(bot, provider, other)]
            taken = await asyncio.gather(*(worker.send_some() for worker in workers * 3))
        assert sum(taken) == 100
        assert sorted(t.number for t in provider.handed) == [f"+1201555{i + 100:04d}" for i in range(100)]
        assert {d.state for d in await bot.store.deliveries.find({}, limit=101)} == {DeliveryState.SENT}

    async def test_a_worker_that_read_the_queue_before_another_took_it_gets_nothing(
        self, bot: Bot, queued: ConsentEvent, mongo: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider = Carrier()
        async with second_process(mongo) as other:
            late, find = through(bot, provider, other), other.deliveries.find

            async def read(*args: Any, **values: Any) -> list[Delivery]:
                monkeypatch.setattr(other.deliveries, "find", find)
                found = await find(*args, **values)
                assert await through(bot, provider).send_some() == 1
                return found

            monkeypatch.setattr(other.deliveries, "find", read)
            assert await late.send_some() == 0
        assert len(provider.handed) == 1

    async def test_it_is_marked_as_handed_over_before_it_is(self, bot: Bot, queued: ConsentEvent, store: Store) -> None:
        seen: list[Delivery] = []

        async def look(_: Outgoing) -> str:
            seen.append(await _only(store))
            return "id"

        await through(bot, Carrier(look)).send_some()
        (delivery,) = seen
        assert (delivery.state, delivery.due_at) == (DeliveryState.SENDING, None)
        assert delivery.ask_at
        assert delivery.body

    async def test_a_crash_before_that_sends_it_again(
        self, bot: Bot, queued: ConsentEvent, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def die(*_: object) -> None:
            raise Crash

        first = through(bot, Carrier())
        with monkeypatch.context() as patch:
            patch.setattr(store.deliveries, "counts", die)
            with pytest.raises(Crash):
                await first.send_some()
        second = Carrier()
        assert await through(bot, second).send_some() == 0, "the claim may still hold"
        await _claim_lapses(store)
        assert await through(bot, second).send_some() == 1
        assert len(second.handed) == 1

    async def test_a_worker_whose_claim_lapsed_hands_nothing_over(
        self, bot: Bot, queued: ConsentEvent, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was suspended, and another worker took the text: each of both gateways gets it once at most."""
        late, other, counts = Carrier(), Carrier(), store.deliveries.counts

        async def suspended(*args: Any) -> Any:
            monkeypatch.setattr(store.deliveries, "counts", counts)
            await _claim_lapses(store)
            assert await through(bot, other).send_some() == 1
            return await counts(*args)

        monkeypatch.setattr(store.deliveries, "counts", suspended)
        await through(bot, late).send_some()
        assert (len(late.handed), len(other.handed)) == (0, 1)
        assert (await _only(store)).state is DeliveryState.SENT

    async def test_nor_does_its_result_count_where_storing_it_delivers_the_text(
        self, bot: Bot, queued: ConsentEvent, store: Store
    ) -> None:
        (claimed,) = await store.deliveries.claim("late", limit=5, until=now())
        (again,) = await store.deliveries.claim("other", limit=5, until=now() + timedelta(minutes=1))
        await store.deliveries.settle([Result(claimed.id, "late", DeliveryState.SENT, {"body": "Hi"})])
        assert await bot.phone.texts(NUMBER) == []
        await store.deliveries.settle([Result(again.id, "other", DeliveryState.SENT, {"body": "Hi"})])
        assert len(await bot.phone.texts(NUMBER)) == 1

    @pytest.mark.parametrize("error", [Crash(), TimeoutError(), ConnectionResetError(), RuntimeError("?")])
    @pytest.mark.parametrize("was_taken", [True, False])
    async def test_of_an_answer_that_never_came_the_provider_is_asked(
        self, bot: Bot, queued: ConsentEvent, store: Store, error: BaseException, was_taken: bool
    ) -> None:
        provider = Carrier()

        async def act(text: Outgoing) -> str:
            if was_taken:
                provider.taken[text.id] = "provider-1"
            raise error

        provider._act = act
        with suppress(Crash):
            await through(bot, provider).send_some()
        provider._act = None
        await through(bot, provider).reconcile()
        assert await through(bot, provider).send_some() == 0, "its answer may still come"
        await _time_to_ask(store)
        await through(bot, provider).reconcile()
        if was_taken:
            delivery = await _only(store)
            assert (delivery.state, delivery.provider_id) == (DeliveryState.SENT, "provider-1")
            assert await through(bot, provider).send_some() == 0
        else:
            assert await through(bot, provider).send_some() == 1
        assert len(provider.taken) == 1
        assert (await _only(store)).state is DeliveryState.SENT

    async def test_one_that_cannot_be_traced_is_unknown_and_never_sent_again(
        self, bot: Bot, queued: ConsentEvent, store: Store
    ) -> None:
        provider = Carrier(raising(TimeoutError()), is_traceable=False)
        await through(bot, provider).send_some()
        await _time_to_ask(store)
        await through(bot, provider).reconcile()
        delivery = await _only(store)
        assert (delivery.state, delivery.reason, delivery.ask_at) == (DeliveryState.UNKNOWN, "no_answer", None)
        await bot.deliveries.queue_for([queued])
        assert await through(bot, provider).send_some() == 0
        assert len(provider.handed) == 1

    async def test_a_provider_that_cannot_be_reached_is_asked_again_for_a_day(
        self, bot: Bot, queued: ConsentEvent, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider = Carrier(raising(TimeoutError()))
        await through(bot, provider).send_some()

        async def away(*_: object) -> None:
            raise ConnectionError

        with monkeypatch.context() as patch:
            patch.setattr(provider, "find", away)
            await _time_to_ask(store)
            await through(bot, provider).reconcile()
            delivery = await _only(store)
            assert delivery.state is DeliveryState.SENDING
            assert delivery.ask_at
            assert delivery.ask_at > now()
            await store.deliveries.update({}, {"$set": {"handed_at": now() - timedelta(days=2)}})
            await _time_to_ask(store)
            await through(bot, provider).reconcile()
        assert (await _only(store)).state is DeliveryState.UNKNOWN

    async def test_one_text_that_fails_does_not_hold_up_the_others(
        self, bot: Bot, make_contact: MakeContact, store: Store
    ) -> None:
        for i in range(4):
            await bot.deliveries.queue_for([await _yes(bot, await make_contact(), number=f"+1201555010{i}")])

        async def act(text: Outgoing) -> str:
            if text.number.endswith("1"):
                raise RuntimeError
            return "id"

        await through(bot, Carrier(act)).send_some()
        states = {d.number[-1]: d.state.value for d in await store.deliveries.find({}, limit=5)}
        assert states == {"0": "sent", "1": "sending", "2": "sent", "3": "sent"}

    async def test_one_that_cannot_be_written_holds_up_no_other_and_is_tried_again(
        self, bot: Bot, make_contact: MakeContact, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for i in range(3):
            await bot.deliveries.queue_for([await _yes(bot, await make_contact(), number=f"+1201555010{i}")])
        kind = KINDS[DeliveryKind.CONFIRMATION]
        body = kind.body

        def broken(delivery: Delivery, facts: Facts, link: str) -> str:
            if delivery.number.endswith("1"):
                raise ValueError
            return body(delivery, facts, link)

        with monkeypatch.context() as patch:
            patch.setattr(kind, "body", broken)
            await bot.sender.send_some()
        states = {d.number[-1]: (d.state.value, d.reason) for d in await store.deliveries.find({}, limit=5)}
        assert states == {"0": ("sent", None), "1": ("queued", "internal_error"), "2": ("sent", None)}
        await _claim_lapses(store)
        assert await bot.sender.send_some() == 1
        assert {d.state for d in await store.deliveries.find({}, limit=5)} == {DeliveryState.SENT}

    async def test_a_log_of_a_failure_names_no_number(
        self, bot: Bot, queued: ConsentEvent, caplog: pytest.LogCaptureFixture
    ) -> None:
        await through(bot, Carrier(raising(RuntimeError("?")))).send_some()
        assert "unknown fate" in caplog.text
        assert NUMBER not in caplog.text


async def test_a_worker_sends_what_is_queued_while_it_waits(
    bot: Bot, ada: Contact, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbound.sender.POLL_SECONDS", 60)
    stop = asyncio.Event()
    worker = asyncio.create_task(bot.sender.work(stop))
    try:
        await asyncio.sleep(0.1)
        await bot.deliveries.queue_for([await _yes(bot, ada)])
        await eventually(lambda: bot.phone.texts(NUMBER))  # less than it rests: it was woken
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await worker


async def test_a_worker_that_is_told_to_stop_finishes_the_round_that_it_began(
    bot: Bot, ada: Contact, store: Store
) -> None:
    stop, sending, may_go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slowly(text: Outgoing) -> str:
        sending.set()
        await may_go_on.wait()
        return "sent-1"

    await bot.deliveries.queue_for([await _yes(bot, ada)])
    worker = asyncio.create_task(through(bot, Carrier(slowly)).work(stop))
    await sending.wait()
    stop.set()
    may_go_on.set()
    async with asyncio.timeout(PATIENCE):
        await worker
    (delivery,) = await store.deliveries.find({}, limit=2)
    assert delivery.state == "sent"


async def test_one_number_gets_no_flood_of_texts(bot: Bot, store: Store, make_contact: MakeContact) -> None:
    """Somebody types another's number into our form, again and again."""
    for i in range(6):
        person = await make_contact(phone=NUMBER)
        await bot.deliveries.queue_for([await _yes(bot, person, f"k{i}")])
        await bot.sender.send_some()
    assert len(await bot.phone.texts(NUMBER)) == 3
    reasons = [d.reason for d in await store.deliveries.find({"state": "blocked"}, limit=10)]
    assert reasons == ["too_many"] * 3


class TestRefused:
    """A no of the provider, which surely did not take the text."""

    async def test_for_good_the_text_fails_with_its_code(self, bot: Bot, queued: ConsentEvent, store: Store) -> None:
        provider = Carrier(raising(GatewayError("landline", permanent=True)))
        await through(bot, provider).send_some()
        delivery = await _only(store)
        assert (delivery.state, delivery.reason, delivery.due_at) == (DeliveryState.FAILED, "landline", None)
        assert await through(bot, provider).send_some() == 0

    async def test_for_now_it_goes_back_to_the_queue_and_is_sent_later(
        self, bot: Bot, queued: ConsentEvent, store: Store
    ) -> None:
        began = now()
        await through(bot, Carrier(raising(GatewayError("busy", permanent=False)))).send_some()
        delivery = await _only(store)
        assert (delivery.state, delivery.reason, delivery.attempts) == (DeliveryState.QUEUED, "busy", 1)
        assert delivery.due_at
        assert delivery.due_at > began + timedelta(seconds=1)
        provider = Carrier()
        await store.deliveries.update({"_id": delivery.id}, {"$set": {"due_at": now() + timedelta(minutes=1)}})
        assert await through(bot, provider).send_some() == 0, "not before its time"
        await _claim_lapses(store)
        assert await through(bot, provider).send_some() == 1
        delivery = await _only(store)
        assert (delivery.state, delivery.reason) == (DeliveryState.SENT, None)

    async def test_the_time_that_the_provider_names_is_kept(self, bot: Bot, queued: ConsentEvent, store: Store) -> None:
        began = now()
        await through(bot, Carrier(raising(GatewayError("429", permanent=False, retry_after=300)))).send_some()
        delivery = await _only(store)
        assert delivery.due_at
        assert delivery.due_at >= began + timedelta(seconds=300)

    async def test_pauses_grow_and_tries_end(self, bot: Bot, queued: ConsentEvent, store: Store) -> None:
        provider = Carrier(raising(GatewayError("busy", permanent=False)))
        pauses = []
        while (delivery := await _only(store)).state is DeliveryState.QUEUED:
            await _claim_lapses(store)
            await through(bot, provider).send_some()
            if due_at := (await _only(store)).due_at:
                pauses.append((due_at - now()).total_seconds())
        assert (delivery.state, delivery.reason, len(provider.handed)) == (DeliveryState.FAILED, "busy", MOST_ATTEMPTS)
        assert pauses[:4] == sorted(pauses[:4])
        assert max(pauses) < 2000

    async def test_permission_is_asked_again(self, bot: Bot, ada: Contact, queued: ConsentEvent, store: Store) -> None:
        await through(bot, Carrier(raising(GatewayError("busy", permanent=False)))).send_some()
        await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT))
        await _claim_lapses(store)
        provider = Carrier()
        await through(bot, provider).send_some()
        assert provider.handed == []
        assert (await _only(store)).reason == "opted_out"


async def test_a_worker_that_queues_sends_without_looking_for_it(
    bot: Bot, make_contact: MakeContact, mongo: EmbeddedServer
) -> None:
    """Ten texts cost no query that looks for them, and one update that stores what became of them."""
    with no_consumers(bot):
        read = Words(subscription_name="Deals", locale="en", act="x")
        numbers = [f"+1201555{i + 100:04d}" for i in range(10)]
        events = [await _yes(bot, await make_contact(), number=number, words=read) for number in numbers]
    async with listened_to(mongo) as (store, wire):
        await store.prepare()
        queue = DeliveryQueue(store, DeliveryLinks("k" * 40, "http://sayso.test", days=400))
        stops = StopList(store, Ledger(store))
        facts = FactReader(store, Ledger(store), stops, bot.workspace, quiet_hours=True)
        sender = Sender(store, queue, facts, Simulator(store), bot.threads, stops)
        wire.commands.clear()
        with queue.sending():
            await queue.queue_for(events)
            assert await sender.send_some(poll=False) == 10
        commands = [(name, command[name]) for name, command in wire.commands]
    assert [c for c in commands if c[1] == "deliveries"] == [
        ("insert", "deliveries"), ("aggregate", "deliveries"), ("update", "deliveries"),
    ]  # fmt: skip
    assert len(commands) <= 7
    assert {d.state for d in await bot.store.deliveries.find({}, limit=20)} == {DeliveryState.SENT}


async def test_what_was_queued_by_a_process_that_died_is_sent_by_another(bot: Bot, ada: Contact, store: Store) -> None:
    with bot.deliveries.sending():
        await bot.deliveries.queue_for([await _yes(bot, ada)])
    bot.deliveries.take_ready(9)
    provider = Carrier()
    assert await through(bot, provider).send_some() == 0
    await _claim_lapses(store)
    assert await through(bot, provider).send_some() == 1
