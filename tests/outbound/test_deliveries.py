"""Texts that leave: permission at the moment of sending (law 7), at most once (law 8), the words they must have."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.app import Bot
from bot.demo import DEALS, ORDERS
from bot.errors import StoreUnavailable
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.delivery import Delivery, DeliveryState
from bot.model.event import Action, ConsentEvent, Words
from bot.model.subscription import SubscriptionState
from bot.outbound.deliveries import DeliveryService
from bot.outbound.gateway import Gateway, GatewayError, Outgoing
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.conftest import eventually
from tests.people import ANOTHER, NUMBER, change, second_process

MakeContact = Callable[..., Awaitable[Contact]]
Act = Callable[[Outgoing], Awaitable[str]]


class Provider:
    """A gateway that notes what it was handed, and then does as it is told."""

    def __init__(self, act: Act | None = None) -> None:
        self.handed: list[Outgoing] = []
        self._act = act

    async def send(self, text: Outgoing) -> str:
        self.handed.append(text)
        return await self._act(text) if self._act else f"provider-{text.id}"


class Crash(BaseException):
    """The process dies here."""


def _raising(error: BaseException) -> Act:
    async def act(_: Outgoing) -> str:
        raise error

    return act


def _through(bot: Bot, gateway: Gateway, store: Store | None = None) -> DeliveryService:
    return DeliveryService(store or bot.store, bot.ledger, bot.stops, bot.preferences, gateway, "http://sayso.test")


async def _yes(bot: Bot, contact: Contact, key: str = "k", **values: Any) -> ConsentEvent:
    return (await bot.ledger.record(change(contact.id, key, **values))).event


async def _only(store: Store) -> Delivery:
    (delivery,) = await store.deliveries.find({}, limit=2)
    return delivery


@pytest.fixture
async def ada(make_contact: MakeContact) -> Contact:
    return await make_contact()


@pytest.fixture
async def queued(bot: Bot, ada: Contact) -> ConsentEvent:
    """Ada's yes, with its text queued."""
    event = await _yes(bot, ada)
    await bot.deliveries.follow(event)
    return event


async def _is_blocked(bot: Bot, reason: str) -> None:
    provider = Provider()
    assert await _through(bot, provider).send_some() == 1
    assert provider.handed == []
    delivery = await _only(bot.store)
    assert (delivery.state, delivery.reason, delivery.body) == (DeliveryState.BLOCKED, reason, None)
    assert delivery.checked_at


class TestConfirmation:
    async def test_a_yes_is_confirmed_by_a_text(self, bot: Bot, queued: ConsentEvent, store: Store) -> None:
        assert (await _only(store)).state is DeliveryState.QUEUED
        assert await bot.deliveries.send_some() == 1
        (text,) = await store.phone_texts.of(NUMBER)
        delivery = await _only(store)
        assert (delivery.state, delivery.provider_id, text.key) == (DeliveryState.SENT, text.id, delivery.id)
        assert (delivery.event, delivery.number, delivery.subscription) == (queued.event, NUMBER, DEALS)
        assert delivery.checked_at

    async def test_it_says_who_what_how_often_what_it_costs_and_how_to_stop(
        self, bot: Bot, queued: ConsentEvent, store: Store
    ) -> None:
        await bot.deliveries.send_some()
        (text,) = await store.phone_texts.of(NUMBER)
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
        await bot.deliveries.send_some()
        (text,) = await store.phone_texts.of(NUMBER)
        link = re.search(r"http://sayso\.test/p/([\w-]+)", text.body)
        assert link
        assert (await bot.preferences.look(link[1])).contact.id == ada.id

    async def test_its_token_is_on_the_phone_and_nowhere_in_what_we_keep(
        self, bot: Bot, queued: ConsentEvent, store: Store
    ) -> None:
        await bot.deliveries.send_some()
        (text,) = await store.phone_texts.of(NUMBER)
        link = re.search(r"/p/([\w-]+)", text.body)
        assert link
        for table in store.tables:
            if table.name != "phone_texts":  # the simulated phones: not ours
                async for document in table.collection.find({}):
                    assert link[1] not in repr(document), table.name
        delivery = await _only(store)
        assert delivery.body == text.body.replace(link[1], "•" * 8)

    async def test_one_yes_has_one_text_however_often_it_is_asked_for(
        self, bot: Bot, queued: ConsentEvent, store: Store
    ) -> None:
        await asyncio.gather(*(bot.deliveries.follow(queued) for _ in range(10)))
        await bot.deliveries.send_some()
        await bot.deliveries.follow(queued)
        assert await bot.deliveries.send_some() == 0
        assert len(await store.phone_texts.of(NUMBER)) == 1

    async def test_two_events_have_two_texts(self, bot: Bot, ada: Contact, queued: ConsentEvent, store: Store) -> None:
        await bot.deliveries.follow(await _yes(bot, ada, "again"))
        assert await bot.deliveries.send_some() == 2
        assert len(await store.phone_texts.of(NUMBER)) == 2

    async def test_a_yes_to_emails_has_no_text(self, bot: Bot, ada: Contact, store: Store) -> None:
        await bot.deliveries.follow(await _yes(bot, ada, number=None, email="ada@example.com"))
        assert await store.deliveries.count_about() == 0

    async def test_it_speaks_the_language_of_the_form(self, bot: Bot, ada: Contact, store: Store) -> None:
        words = Words(subscription_name="Ofertas", locale="es", act="x")
        await bot.deliveries.follow(await _yes(bot, ada, words=words))
        assert (await _only(store)).locale == "es"


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
        await _yes(bot, ada, "new", number=ANOTHER)
        await _is_blocked(bot, "number_changed")

    async def test_a_new_number_without_a_yes_gets_no_text_that_needs_none(self, bot: Bot, ada: Contact) -> None:
        await bot.deliveries.follow(await _yes(bot, ada, subscription=ORDERS))
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
        await asyncio.gather(*(bot.deliveries.follow(event) for event in events))
        provider = Provider()
        async with second_process(mongo) as other:
            workers = [_through(bot, provider), _through(bot, provider, other)]
            taken = await asyncio.gather(*(worker.send_some() for worker in workers * 3))
        assert sum(taken) == 100
        assert sorted(t.number for t in provider.handed) == [f"+1201555{i + 100:04d}" for i in range(100)]
        assert {d.state for d in await bot.store.deliveries.find({}, limit=101)} == {DeliveryState.SENT}

    async def test_a_worker_that_read_the_queue_before_another_took_it_gets_nothing(
        self, bot: Bot, queued: ConsentEvent, mongo: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider = Provider()
        async with second_process(mongo) as other:
            late, find = _through(bot, provider, other), other.deliveries.find

            async def read(*args: Any, **values: Any) -> list[Delivery]:
                monkeypatch.setattr(other.deliveries, "find", find)
                found = await find(*args, **values)
                assert await _through(bot, provider).send_some() == 1
                return found

            monkeypatch.setattr(other.deliveries, "find", read)
            assert await late.send_some() == 0
        assert len(provider.handed) == 1

    async def test_a_crash_while_it_is_sent_leaves_it_unknown_and_it_is_never_sent_again(
        self, bot: Bot, queued: ConsentEvent, store: Store
    ) -> None:
        provider = Provider(_raising(Crash()))
        with pytest.raises(Crash):
            await _through(bot, provider).send_some()
        assert (await _only(store)).state is DeliveryState.SENDING
        second = Provider()
        assert await _through(bot, second).send_some() == 0
        assert await store.deliveries.give_up(now() - timedelta(seconds=60)) == 0, "it may still be under way"
        assert await store.deliveries.give_up(now() + timedelta(seconds=1)) == 1
        assert (await _only(store)).state is DeliveryState.UNKNOWN
        await bot.deliveries.follow(queued)
        assert await _through(bot, second).send_some() == 0
        assert (len(provider.handed), second.handed) == (1, [])

    async def test_it_is_recorded_as_handed_over_before_it_is(
        self, bot: Bot, queued: ConsentEvent, store: Store
    ) -> None:
        seen: list[DeliveryState] = []

        async def look(_: Outgoing) -> str:
            seen.append((await _only(store)).state)
            return "id"

        await _through(bot, Provider(look)).send_some()
        assert seen == [DeliveryState.SENDING]

    @pytest.mark.parametrize("permanent", [True, False])
    async def test_a_no_of_the_provider_is_a_failure_with_its_code(
        self, bot: Bot, queued: ConsentEvent, store: Store, permanent: bool
    ) -> None:
        provider = Provider(_raising(GatewayError("landline", permanent=permanent)))
        await _through(bot, provider).send_some()
        delivery = await _only(store)
        assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, "landline")
        assert await _through(bot, provider).send_some() == 0

    @pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError(), RuntimeError("?")])
    async def test_an_answer_that_never_came_is_unknown_and_not_sent_again(
        self, bot: Bot, queued: ConsentEvent, store: Store, error: Exception
    ) -> None:
        provider = Provider(_raising(error))
        await _through(bot, provider).send_some()
        assert (await _only(store)).state is DeliveryState.UNKNOWN
        assert await _through(bot, provider).send_some() == 0
        assert len(provider.handed) == 1

    async def test_one_text_that_fails_does_not_hold_up_the_others(
        self, bot: Bot, make_contact: MakeContact, store: Store
    ) -> None:
        for i in range(4):
            await bot.deliveries.follow(await _yes(bot, await make_contact(), number=f"+1201555010{i}"))

        async def act(text: Outgoing) -> str:
            if text.number.endswith("1"):
                raise RuntimeError
            return "id"

        await _through(bot, Provider(act)).send_some()
        states = {d.number[-1]: d.state.value for d in await store.deliveries.find({}, limit=5)}
        assert states == {"0": "sent", "1": "unknown", "2": "sent", "3": "sent"}

    async def test_a_log_of_a_failure_names_no_number(
        self, bot: Bot, queued: ConsentEvent, caplog: pytest.LogCaptureFixture
    ) -> None:
        await _through(bot, Provider(_raising(RuntimeError("?")))).send_some()
        assert "unknown fate" in caplog.text
        assert NUMBER not in caplog.text


async def test_a_worker_sends_what_is_queued_while_it_waits(bot: Bot, ada: Contact, store: Store) -> None:
    stop = asyncio.Event()
    worker = asyncio.create_task(bot.deliveries.work(stop))
    try:
        await asyncio.sleep(0.1)
        await bot.deliveries.follow(await _yes(bot, ada))
        await eventually(lambda: store.phone_texts.of(NUMBER), seconds=4)  # less than it rests: it was woken
    finally:
        stop.set()
        async with asyncio.timeout(4):
            await worker


async def test_a_worker_that_is_told_to_stop_finishes_the_round_that_it_began(
    bot: Bot, ada: Contact, store: Store
) -> None:
    stop, sending, may_go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slowly(text: Outgoing) -> str:
        sending.set()
        await may_go_on.wait()
        return "sent-1"

    await bot.deliveries.follow(await _yes(bot, ada))
    worker = asyncio.create_task(_through(bot, Provider(slowly)).work(stop))
    await sending.wait()
    stop.set()
    may_go_on.set()
    async with asyncio.timeout(4):
        await worker
    (delivery,) = await store.deliveries.find({}, limit=2)
    assert delivery.state == "sent"


async def test_one_number_gets_no_flood_of_texts(bot: Bot, store: Store, make_contact: MakeContact) -> None:
    """Somebody types another's number into our form, again and again."""
    for i in range(6):
        person = await make_contact(phone=NUMBER)
        await bot.deliveries.follow(await _yes(bot, person, f"k{i}"))
        await bot.deliveries.send_some()
    assert len(await store.phone_texts.of(NUMBER)) == 3
    reasons = [d.reason for d in await store.deliveries.find({"state": "blocked"}, limit=10)]
    assert reasons == ["too_many"] * 3


async def test_what_was_taken_and_not_handed_over_goes_back_into_the_queue(
    bot: Bot, ada: Contact, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bot.deliveries.follow(await _yes(bot, ada))

    async def away(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(bot.ledger, "contacts", away)
        with pytest.raises(StoreUnavailable):
            await bot.deliveries.send_some()
    assert (await _only(store)).state == "queued"
    assert await bot.deliveries.send_some() == 1
    assert (await _only(store)).state == "sent"
