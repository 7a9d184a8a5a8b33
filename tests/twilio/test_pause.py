"""A message that too many texts of fail, or too many people opt out of, pauses itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.app import Bot, make_bot
from bot.demo import DEALS
from bot.errors import StoreUnavailable
from bot.jobs.outbound_messages import MessageState
from bot.jobs.rules import JobAction
from bot.jobs.run import JobRun
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.delivery import DeliveryState, ProviderStatus
from bot.model.event import Action, Source
from bot.model.filter import Filter, TagIs
from bot.model.outbound_message import OutboundMessage, PauseCause
from bot.model.teammate import By
from bot.outbound.reports import StatusReport
from bot.store import Store
from tests.people import change, person
from tests.twilio import fake
from tests.twilio.fake import FakeTwilio, fake_twilio, twilio_settings

MakeBot = Callable[..., Awaitable[Bot]]
ADA = By("ada0ada0ada0ada0ada0ada0", "Ada")
PEOPLE = 12


@pytest.fixture
async def twilio() -> AsyncIterator[FakeTwilio]:
    async with fake_twilio() as server:
        yield server


@pytest.fixture
async def make(twilio: FakeTwilio, demo_store: Store) -> AsyncIterator[MakeBot]:
    made: list[Bot] = []

    async def bot_with(**limits: float) -> Bot:
        never = {"pause_opt_outs": 0, "pause_failures": 0, "pause_filtered": 0, "pause_after": 10}
        bot = await make_bot(twilio_settings(twilio, **{**never, **limits}), demo_store, "https://chat.example.com")
        midday = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)  # a Monday, and no quiet hours
        bot.sender.clock = lambda: midday
        made.append(bot)
        return bot

    yield bot_with
    for bot in made:
        await bot.finish()
        await bot.gateway.close()


async def ordered(bot: Bot) -> OutboundMessage:
    made = [person(new_id(), phone=f"+1201555{i:04d}", tags=("tag",)) for i in range(PEOPLE + 1)]
    await bot.store.contacts.insert_many(made)
    for contact in made:
        await bot.ledger.record(change(contact.id, f"in-{contact.id}", number=contact.phone))
    draft = await bot.outbound.create("June roast", ADA)
    values = {"subscription": DEALS, "texts": {"en": "Hi"}, "filter": Filter.of(TagIs(tags=("tag",)))}
    draft = await bot.outbound.save(draft.id, draft.version, values, ADA)
    return await bot.outbound.order(draft.id, draft.version, ADA)


async def step(bot: Bot, message: OutboundMessage) -> MessageState:
    """A worker takes the job up until it waits, with fresh figures."""
    bot.figures._kept.clear()
    await bot.store.jobs.update({"_id": message.id}, {"$set": {"due": message.created_at}})
    if job := await bot.store.jobs.claim(message.id, "worker", 60):
        await JobRun(bot.store, bot.jobs.kinds[job.kind], job)._work(asyncio.Event())
    return (await bot.outbound.status(message.id)).state


async def send(bot: Bot) -> None:
    while await bot.sender.send_some():
        pass


def copies_sent(twilio: FakeTwilio) -> int:
    """Without the confirmations of the sign-ups."""
    return sum(message.body.startswith("Hi\n") for message in twilio.messages)


async def hold_one(bot: Bot, message: OutboundMessage) -> str:
    """A copy that waits, so that the message is not done."""
    copy = (await bot.store.deliveries.of_message(message.id, limit=1))[0]
    later = now().replace(year=now().year + 1)
    await bot.store.deliveries.update({"_id": copy.id}, {"$set": {"due_at": later, "reason": "quiet_hours"}})
    return copy.id


async def reported(bot: Bot, message: OutboundMessage, count: int, code: int) -> None:
    sent = [
        copy
        for copy in await bot.store.deliveries.of_message(message.id, limit=99)
        if copy.state is DeliveryState.SENT and copy.provider_id
    ]
    for copy in sent[:count]:
        report = StatusReport(copy.id, copy.provider_id or "", ProviderStatus.UNDELIVERED, code)
        assert await bot.reports.receive(report)


async def test_filtered_texts_pause_it_and_a_teammate_can_resume_it_anyway(
    make: MakeBot, demo_store: Store, twilio: FakeTwilio
) -> None:
    bot = await make(pause_filtered=10)
    message = await ordered(bot)
    assert await step(bot, message) is MessageState.SENDING
    held = await hold_one(bot, message)
    await send(bot)
    assert copies_sent(twilio) == PEOPLE
    await reported(bot, message, 1, 30007)
    assert await step(bot, message) is MessageState.SENDING, "1 of 12 is below a tenth"
    await reported(bot, message, 1, 30007)
    assert await step(bot, message) is MessageState.PAUSED
    (pause,) = (await bot.outbound.get(message.id)).open_pauses
    assert (pause.cause, pause.count, pause.of, pause.most) == (PauseCause.FILTERED, 2, PEOPLE, 10)
    await demo_store.deliveries.update({"_id": held}, {"$set": {"due_at": now()}})
    await send(bot)
    assert copies_sent(twilio) == PEOPLE, "nothing leaves while it is paused"
    await bot.outbound.act(message.id, JobAction.RESUME, ADA)
    assert await step(bot, message) is MessageState.SENDING, "the same cause holds it no longer"
    (pause,) = (await bot.outbound.get(message.id)).pauses
    assert pause.resumed_at
    assert pause.resumed_by == "Ada"
    await send(bot)
    assert copies_sent(twilio) == PEOPLE + 1
    log = {(entry.action, entry.actor_name) for entry in await demo_store.audit_log.find({}, limit=99)}
    assert {(AuditAction.MESSAGE_HELD, "Sayso"), (AuditAction.MESSAGE_RELEASED, "Ada")} <= log


async def test_a_count_that_fails_stops_no_message_and_the_next_one_pauses_it(
    make: MakeBot, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await make(pause_filtered=10)
    message = await ordered(bot)

    async def results_of(id: str) -> Any:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(bot.store.deliveries, "results_of", results_of)
        assert await step(bot, message) is MessageState.SENDING
        job = await bot.store.jobs.get(message.id)
        assert job
        assert (job.attempts, job.error) == (0, None)
        await hold_one(bot, message)
        await send(bot)
        assert copies_sent(twilio) == PEOPLE
        await reported(bot, message, 2, 30007)
        assert await step(bot, message) is MessageState.SENDING
    assert await step(bot, message) is MessageState.PAUSED


async def test_failures_at_the_provider_pause_it_once_there_are_enough_texts(
    make: MakeBot, demo_store: Store, twilio: FakeTwilio
) -> None:
    twilio.fault = lambda message: fake.Fault(400, 21614)
    bot = await make(pause_failures=50, pause_after=PEOPLE)
    message = await ordered(bot)
    await step(bot, message)
    copies = await demo_store.deliveries.of_message(message.id, limit=99)
    for copy in copies[:2]:
        await demo_store.deliveries.update({"_id": copy.id}, {"$set": {"due_at": now().replace(year=now().year + 1)}})
    await send(bot)
    assert await step(bot, message) is MessageState.SENDING, "11 texts say too little"
    await demo_store.deliveries.update({"_id": copies[0].id}, {"$set": {"due_at": now()}})
    await send(bot)
    assert await step(bot, message) is MessageState.PAUSED
    assert [pause.cause for pause in (await bot.outbound.get(message.id)).pauses] == [PauseCause.FAILURES]


async def test_opt_outs_pause_it(make: MakeBot, demo_store: Store) -> None:
    bot = await make(pause_opt_outs=5)
    message = await ordered(bot)
    await step(bot, message)
    await hold_one(bot, message)
    await send(bot)
    sent = await demo_store.deliveries.of_message(message.id, state=DeliveryState.SENT, limit=1)
    out = change(sent[0].contact, "no", Action.OPT_OUT, source=Source.PREFERENCE_CENTER, number=sent[0].number)
    await bot.ledger.record(out)
    await bot.consumers.drain()
    assert await step(bot, message) is MessageState.PAUSED
    (pause,) = (await bot.outbound.get(message.id)).open_pauses
    assert (pause.cause, pause.count, pause.of) == (PauseCause.OPT_OUTS, 1, PEOPLE)
