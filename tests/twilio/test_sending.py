"""Deliveries through Twilio: what its answers do to them, to the stop list, and to the worker."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.app import Bot
from bot.demo import DEALS
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.delivery import Delivery, DeliveryState
from bot.model.event import ConsentEvent
from bot.outbound.gateways import Outgoing
from bot.outbound.gateways.twilio import TwilioGateway
from bot.outbound.sender import Sender
from tests.outbound.carrier import Carrier, through
from tests.people import NUMBER, change
from tests.twilio import fake
from tests.twilio.fake import FakeTwilio, Fault, fake_twilio, twilio_settings

MakeContact = Callable[..., Awaitable[Contact]]


@pytest.fixture
async def twilio() -> AsyncIterator[FakeTwilio]:
    async with fake_twilio() as twilio:
        yield twilio


@pytest.fixture
async def worker(bot: Bot, twilio: FakeTwilio) -> AsyncIterator[Sender]:
    gateway = TwilioGateway(twilio_settings(twilio))
    yield through(bot, gateway)
    await gateway.close()


@pytest.fixture
async def ada(make_contact: MakeContact) -> Contact:
    return await make_contact(phone=NUMBER)


@pytest.fixture
async def queued(bot: Bot, ada: Contact) -> ConsentEvent:
    event = (await bot.ledger.record(change(ada.id, "k"))).event
    await bot.deliveries.queue_for([event])
    return event


async def _only(bot: Bot) -> Delivery:
    (delivery,) = await bot.store.deliveries.find({}, limit=2)
    return delivery


async def _due(bot: Bot, field: str = "due_at", **values: Any) -> None:
    await bot.store.deliveries.update({field: {"$exists": True}}, {"$set": {field: now(), **values}})


async def test_a_sent_text_has_twilio_s_id(bot: Bot, twilio: FakeTwilio, worker: Sender, queued: ConsentEvent) -> None:
    await worker.send_some()
    delivery, (message,) = await _only(bot), twilio.messages
    assert (delivery.state, delivery.provider_id) == (DeliveryState.SENT, message.sid)
    assert message.body == bot.deliveries.links.shown(delivery)


async def test_a_number_that_opted_out_with_twilio_is_stopped(
    bot: Bot, ada: Contact, twilio: FakeTwilio, worker: Sender, queued: ConsentEvent
) -> None:
    twilio.fault = lambda message: fake.OPTED_OUT
    await worker.send_some()
    delivery = await _only(bot)
    assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, "opted_out")
    assert await bot.stops.is_stopped(NUMBER)
    after = await bot.ledger.contact(ada.id)
    assert after
    assert (consent := after.consent(DEALS))
    assert consent.state is ConsentState.OPTED_OUT
    event = (await bot.store.events.after(ada.id, 0, limit=10))[-1]
    assert event.words
    assert event.words.act == "opted out with the SMS provider"


async def test_while_twilio_refuses_the_account_texts_wait_and_none_fails(
    bot: Bot, twilio: FakeTwilio, worker: Sender, make_contact: MakeContact, caplog: pytest.LogCaptureFixture
) -> None:
    await _queue_for(bot, make_contact, [f"+1201555{i + 100:04d}" for i in range(20)])
    twilio.fault = lambda message: Fault(401, 20003)
    await worker.send_some()
    assert worker.results.halted == "auth_failed"
    assert caplog.text.count("no texts are sent: the SMS provider refuses the account: auth_failed") == 1
    waiting = await bot.store.deliveries.find({}, limit=21)
    assert {(d.state, d.reason, d.attempts) for d in waiting} == {(DeliveryState.QUEUED, "auth_failed", 0)}
    worker.results.halted_until = now()
    for delivery in waiting:
        await bot.store.deliveries.update({"_id": delivery.id}, {"$set": {"due_at": now()}})
    assert await worker.send_some() == 1, "one text tries it again"
    twilio.fault, worker.results.halted_until = lambda message: None, now()
    await _due(bot)
    assert await worker.send_some() == 1
    assert worker.results.halted == ""
    await bot.store.deliveries.update({"state": "queued"}, {"$set": {"due_at": now()}})
    await worker.send_some()
    assert {d.state for d in await bot.store.deliveries.find({}, limit=21)} == {DeliveryState.SENT}
    assert len(twilio.messages) == 20


async def test_a_halted_worker_sends_nothing(
    bot: Bot, twilio: FakeTwilio, worker: Sender, queued: ConsentEvent
) -> None:
    twilio.fault = lambda message: Fault(401, 20003)
    await worker.send_some()
    stop = asyncio.Event()
    task = asyncio.create_task(worker.work(stop))
    await asyncio.sleep(0)
    stop.set()
    await task
    assert twilio.requests == 1


class TestUnknown:
    @pytest.mark.parametrize("fault", [fake.CUT_AFTER, fake.BROKEN_AFTER])
    async def test_one_that_twilio_lists_was_sent(
        self, bot: Bot, twilio: FakeTwilio, worker: Sender, queued: ConsentEvent, fault: Fault
    ) -> None:
        twilio.fault = lambda message: fault
        await worker.send_some()
        assert (await _only(bot)).state is DeliveryState.SENDING
        await _due(bot, "ask_at")
        await worker.reconcile()
        delivery = await _only(bot)
        assert (delivery.state, delivery.provider_id) == (DeliveryState.SENT, twilio.messages[0].sid)
        assert (delivery.due_at, delivery.ask_at, twilio.requests) == (None, None, 1)

    async def test_one_that_twilio_never_lists_goes_back_to_the_queue_in_the_end(
        self, bot: Bot, twilio: FakeTwilio, worker: Sender, queued: ConsentEvent
    ) -> None:
        twilio.fault = lambda message: fake.CUT
        await worker.send_some()
        await _due(bot, "ask_at")
        await worker.reconcile()
        assert (await _only(bot)).state is DeliveryState.SENDING, "it may still appear"
        await _due(bot, "ask_at", handed_at=now() - timedelta(minutes=4))
        await worker.reconcile()
        assert (await _only(bot)).state is DeliveryState.QUEUED
        twilio.fault = lambda message: None
        await worker.send_some()
        assert (await _only(bot)).state is DeliveryState.SENT
        assert len(twilio.messages) == 1

    @pytest.mark.parametrize(
        "change",
        [
            lambda body: f"Sent from your Twilio trial account - {body}",
            lambda body: body.replace("http://", "https://"),
        ],
    )
    async def test_one_that_twilio_lists_with_other_words_is_not_sent_again(
        self, bot: Bot, twilio: FakeTwilio, worker: Sender, queued: ConsentEvent, change: Callable[[str], str]
    ) -> None:
        twilio.fault = lambda message: fake.CUT_AFTER
        await worker.send_some()
        before, (message,) = await _only(bot), twilio.messages
        message.body = change(message.body)
        assert message.body != bot.deliveries.links.shown(before)
        await _due(bot, "ask_at", handed_at=now() - timedelta(minutes=4))
        message.created_at -= timedelta(minutes=4)
        await worker.reconcile()
        delivery = await _only(bot)
        assert (delivery.state, delivery.reason) == (DeliveryState.UNKNOWN, "no_answer")
        assert (delivery.due_at, delivery.ask_at) == (None, None)
        await worker.send_some()
        assert twilio.requests == 1

    async def test_other_texts_of_ours_in_the_list_keep_none_back(
        self, bot: Bot, twilio: FakeTwilio, worker: Sender, queued: ConsentEvent
    ) -> None:
        """Its number got an answer to HELP meanwhile."""
        faults = iter([fake.CUT, None])
        twilio.fault = lambda message: next(faults)
        await worker.send_some()
        await bot.deliveries.reply(NUMBER, "help", None, "t1")
        await worker.send_some()
        assert len(twilio.messages) == 1
        await _due(bot, "ask_at", handed_at=now() - timedelta(minutes=4))
        await worker.reconcile()
        delivery = await bot.store.deliveries.get(f"confirmation:{queued.event}")
        assert delivery
        assert delivery.state is DeliveryState.QUEUED

    async def test_two_equal_texts_are_two_texts(
        self, bot: Bot, twilio: FakeTwilio, worker: Sender, queued: ConsentEvent
    ) -> None:
        """Two answers to HELP: Twilio took the first, and its answer got lost for both."""
        for id in ("one", "two"):
            await bot.deliveries.reply(NUMBER, "help", None, id)
        faults = iter([None, fake.CUT_AFTER, fake.CUT])
        twilio.fault = lambda message: next(faults)
        await worker.send_some()
        await bot.store.deliveries.collection.update_many(
            {"ask_at": {"$exists": True}}, {"$set": {"ask_at": now(), "handed_at": now() - timedelta(minutes=4)}}
        )
        await worker.reconcile()
        replies = await bot.store.deliveries.find({"kind": "reply"}, limit=3)
        assert sorted(d.state for d in replies) == [DeliveryState.QUEUED, DeliveryState.SENT]

    async def test_an_unclear_answer_is_logged_without_number_and_text(
        self, bot: Bot, twilio: FakeTwilio, worker: Sender, queued: ConsentEvent, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        twilio.fault = lambda message: fake.BROKEN
        await worker.send_some()
        await _due(bot, "ask_at")
        await worker.reconcile()
        assert "unknown fate" in caplog.text
        assert "2015550123" not in caplog.text


async def _queue_for(bot: Bot, make_contact: MakeContact, numbers: list[str]) -> None:
    people = await asyncio.gather(*(make_contact(phone=number) for number in numbers))
    changes = [change(one.id, "k", number=number) for one, number in zip(people, numbers, strict=True)]
    results = await bot.ledger.record_many(changes)
    await bot.deliveries.queue_for([result.event for result in results if not isinstance(result, Exception)])


class TestStopWhileSending:
    async def test_a_stop_after_permission_was_read_still_blocks_the_text(
        self, bot: Bot, queued: ConsentEvent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider, hand_over = Carrier(), bot.store.deliveries.hand_over

        async def late(*arguments: Any, **values: Any) -> list[bool]:
            await bot.stops.stop(NUMBER, "STOP", "t1")
            return await hand_over(*arguments, **values)

        monkeypatch.setattr(bot.store.deliveries, "hand_over", late)
        await through(bot, provider).send_some()
        delivery = await _only(bot)
        assert (provider.handed, delivery.state, delivery.reason) == ([], DeliveryState.BLOCKED, "stopped")
        assert (delivery.due_at, delivery.ask_at) == (None, None)

    async def test_its_own_confirmation_is_sent_all_the_same(self, bot: Bot) -> None:
        await bot.receive(NUMBER, "STOP", "t1")
        provider = Carrier()
        await through(bot, provider).send_some()
        (text,) = provider.handed
        assert text.valid_for
        assert text.valid_for <= timedelta(minutes=5)

    async def test_its_confirmation_is_not_sent_hours_later(self, bot: Bot) -> None:
        await bot.receive(NUMBER, "STOP", "t1")
        await _due(bot, created_at=now() - timedelta(minutes=5))
        provider = Carrier()
        await through(bot, provider).send_some()
        delivery = await _only(bot)
        assert (provider.handed, delivery.state, delivery.reason) == ([], DeliveryState.BLOCKED, "too_late")

    @pytest.mark.parametrize("races", [200, pytest.param(1000, marks=pytest.mark.soak)])
    async def test_no_handover_starts_after_the_stop_is_stored(
        self, bot: Bot, make_contact: MakeContact, races: int
    ) -> None:
        numbers = [f"+1201555{i + 100:04d}" if i < 100 else f"+1202555{i:04d}" for i in range(races)]
        clock, started, stopped = itertools.count(), dict[str, int](), dict[str, int]()

        async def sent(text: Outgoing) -> str:
            started[text.number] = next(clock)
            return f"provider-{text.id}"

        async def stop(number: str, turns: int) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            await bot.stops.stop(number, "STOP", f"t:{number}")
            stopped[number] = next(clock)

        provider = Carrier(sent)
        worker = through(bot, provider)
        await _queue_for(bot, make_contact, numbers)
        stops = [asyncio.create_task(stop(number, i % 50)) for i, number in enumerate(numbers)]
        while await worker.send_some():
            pass
        await asyncio.gather(*stops)
        left = {text.number for text in provider.handed}
        assert [number for number in left if started[number] > stopped[number]] == []
        blocked = await bot.store.deliveries.find({"state": DeliveryState.BLOCKED}, limit=races)
        assert {delivery.number for delivery in blocked} == {*numbers} - left
        assert {delivery.reason for delivery in blocked} <= {"stopped", "opted_out"}
