"""A worker claims and judges the next texts while others are with the provider."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial

import pytest

from bot.app import Bot
from bot.errors import StoreUnavailable
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.delivery import Delivery, DeliveryState
from bot.model.event import Action
from bot.outbound import dispatcher, handover, queue, sender
from bot.outbound.gateways import Outgoing
from bot.outbound.handover import Handover, LateChecks
from tests.conftest import PATIENCE, eventually
from tests.outbound.carrier import Carrier, through
from tests.people import change

MakeContact = Callable[..., Awaitable[Contact]]


@pytest.fixture(autouse=True)
def _few_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "IN_HAND", 4)
    monkeypatch.setattr(sender, "BUSY", 1000)
    monkeypatch.setattr(sender, "POLL_SECONDS", 3600)
    monkeypatch.setattr(dispatcher, "ASK_AFTER", timedelta(seconds=2 * PATIENCE))
    for module in (queue, sender):
        monkeypatch.setattr(module, "CLAIMED_FOR", timedelta(seconds=PATIENCE))


def number(i: int) -> str:
    return f"+1201555{i + 100:04d}"


async def confirm(bot: Bot, make_contact: MakeContact, count: int) -> None:
    people = [await make_contact(phone=number(i)) for i in range(count)]
    recorded = [await bot.ledger.record(change(one.id, "k", number=one.phone)) for one in people]
    await bot.deliveries.queue_for([each.event for each in recorded])


@asynccontextmanager
async def working(bot: Bot, carrier: Carrier) -> AsyncIterator[None]:
    stop = asyncio.Event()
    work = asyncio.create_task(through(bot, carrier).work(stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await work


class Holding(Carrier):
    """Keeps the texts to these numbers until it may answer."""

    def __init__(self, *numbers: str) -> None:
        super().__init__(self._answer)
        self.may_answer = asyncio.Event()
        self._held = numbers

    async def _answer(self, text: Outgoing) -> str:
        if text.number in self._held:
            await self.may_answer.wait()
        return f"provider-{text.id}"

    def numbers(self) -> list[str]:
        return [text.number for text in self.handed]


async def test_a_backlog_is_sent_without_waiting_for_the_next_poll(bot: Bot, make_contact: MakeContact) -> None:
    await confirm(bot, make_contact, 10)
    carrier = Carrier()
    async with working(bot, carrier):
        await eventually(lambda: _has(len(carrier.handed) == 10))
    assert sorted(text.number for text in carrier.handed) == [number(i) for i in range(10)]
    assert {d.state for d in await bot.store.deliveries.find({}, limit=11)} == {DeliveryState.SENT}


async def test_one_slow_answer_holds_up_nobody_else(bot: Bot, make_contact: MakeContact) -> None:
    await confirm(bot, make_contact, 10)
    carrier = Holding(number(0))
    async with working(bot, carrier):
        await eventually(lambda: _has(len(carrier.handed) == 10))
        carrier.may_answer.set()
    assert {d.state for d in await bot.store.deliveries.find({}, limit=11)} == {DeliveryState.SENT}


async def test_where_texts_leave_quickly_more_are_in_hand(
    bot: Bot, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "IN_HAND_QUICK", 8)
    monkeypatch.setattr(sender, "QUICK_SECONDS", PATIENCE)
    monkeypatch.setattr(sender, "SLOW_SECONDS", PATIENCE)
    may_answer, places = asyncio.Event(), itertools.count()

    async def answer(text: Outgoing) -> str:
        if next(places) >= 2:
            await may_answer.wait()
        return f"provider-{text.id}"

    await confirm(bot, make_contact, 12)
    carrier = Carrier(answer)
    async with working(bot, carrier):
        await eventually(lambda: _has(len(carrier.handed) == 10))  # two have left, and eight are in hand
        may_answer.set()
        await eventually(lambda: _has(len(carrier.handed) == 12))


@pytest.mark.parametrize("is_given", [True, False])
async def test_only_what_the_provider_took_tells_how_many_may_be_in_hand(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, is_given: bool
) -> None:
    monkeypatch.setattr(sender, "QUICK_SECONDS", PATIENCE)
    worker = through(bot, Carrier())
    leave = [asyncio.Event() for _ in range(4)]
    room = await _room_of(worker, leave, is_given=is_given)
    for one in leave[:2]:
        one.set()
    await room
    assert worker._is_quick is is_given
    for one in leave:
        one.set()


async def test_where_texts_become_slow_there_is_room_again(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer may be in hand then; without room, the worker would rest."""
    monkeypatch.setattr(sender, "IN_HAND_QUICK", 8)
    monkeypatch.setattr(sender, "SLOW_SECONDS", 0.0)
    worker = through(bot, Carrier())
    worker._is_quick = True
    leave = [asyncio.Event() for _ in range(8)]
    room = await _room_of(worker, leave, is_given=True)
    for one in leave[:4]:
        one.set()
    await eventually(lambda: _has(len(worker._in_hand) == 4))
    for one in leave[4:6]:
        one.set()
    assert (await room, worker._is_quick) == (2, False)
    for one in leave:
        one.set()


async def _room_of(worker: sender.Sender, leave: Sequence[asyncio.Event], *, is_given: bool) -> asyncio.Task[int]:
    """The room that the worker makes while these are in hand: each until it may leave."""

    async def send(may_leave: asyncio.Event) -> None:
        await may_leave.wait()
        worker._dispatcher.given += is_given

    async def made() -> int:
        await worker._make_room()
        return worker._room

    for i, may_leave in enumerate(leave):
        worker._in_hand.add(number(i), [partial(send, may_leave)])
    task = asyncio.create_task(made())
    await asyncio.sleep(0)  # all have begun
    return task


async def test_texts_to_one_number_are_sent_one_after_the_other(bot: Bot, make_contact: MakeContact) -> None:
    carrier = Holding(number(0))
    await bot.deliveries.reply(number(0), "help", None, "first")
    async with working(bot, carrier):
        await eventually(lambda: _has(carrier.numbers() == [number(0)]))
        await bot.deliveries.reply(number(0), "help", None, "second")
        await bot.deliveries.reply(number(1), "help", None, "third")
        await eventually(lambda: _has(number(1) in carrier.numbers()))
        assert carrier.numbers() == [number(0), number(1)]
        carrier.may_answer.set()
        await eventually(lambda: _has(len(carrier.handed) == 3))
    assert [text.id for text in carrier.handed] == ["reply:first", "reply:third", "reply:second"]


@pytest.mark.parametrize("how", ["stop", "opt_out"])
async def test_what_changes_while_a_marked_text_waits_for_its_turn(
    bot: Bot, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(dispatcher, "AT_PROVIDER", 1)
    monkeypatch.setattr(handover, "CHECKED_FOR", timedelta(seconds=PATIENCE))  # what they say is read in any case
    await confirm(bot, make_contact, 2)
    carrier = Holding(number(0), number(1))
    async with working(bot, carrier):
        text = await _waiting(bot, carrier)
        if how == "stop":
            await bot.stops.stop(text.number, "STOP", "t1")
        else:
            await bot.ledger.record(change(text.contact, "out", Action.OPT_OUT))
        carrier.may_answer.set()
        await eventually(lambda: _is_blocked(bot, text.id))
    assert text.number not in carrier.numbers()
    blocked = await bot.store.deliveries.get(text.id)
    assert blocked
    assert (blocked.reason, blocked.handed_at) == ("stopped" if how == "stop" else "opted_out", None)


async def test_what_was_marked_long_ago_is_not_sent(
    bot: Bot, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process was suspended, and another one asked the provider about the text and sent it."""
    monkeypatch.setattr(dispatcher, "AT_PROVIDER", 1)
    await confirm(bot, make_contact, 2)
    carrier, another = Holding(number(0), number(1)), Carrier()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(through(bot, carrier).send_some())  # one round: it claims nothing of what comes back
        waiting = await _waiting(bot, carrier)
        await bot.store.deliveries.update({"_id": waiting.id}, {"$set": {"ask_at": now()}})
        other = through(bot, another)
        await other.reconcile()
        assert await other.send_some() == 1
        monkeypatch.setattr(dispatcher, "ASK_AFTER", timedelta(0))
        carrier.may_answer.set()
    assert [text.id for text in another.handed] == [waiting.id]
    assert waiting.number not in carrier.numbers()
    assert {d.state for d in await bot.store.deliveries.find({}, limit=3)} == {DeliveryState.SENT}


async def test_a_canceled_worker_gives_back_what_is_marked_and_has_not_left(
    bot: Bot, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, refusals = set[str](), LateChecks.refusals

    async def noted(self: LateChecks, texts: Sequence[Handover]) -> dict[str, str]:
        found = await refusals(self, texts)
        checked.update(found)
        return found

    monkeypatch.setattr(dispatcher, "AT_PROVIDER", 1)
    monkeypatch.setattr(LateChecks, "refusals", noted)
    await confirm(bot, make_contact, 2)
    carrier = Holding(number(0), number(1))
    work = asyncio.create_task(through(bot, carrier).work(asyncio.Event()))
    waiting = await _waiting(bot, carrier)
    await eventually(lambda: _has(len(checked) == 2))
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    states = {d.number: (d.state, d.handed_at) for d in await bot.store.deliveries.find({}, limit=3)}
    assert states.pop(waiting.number) == (DeliveryState.QUEUED, None)
    assert [state for state, _ in states.values()] == [DeliveryState.SENDING], "the provider has to be asked about it"


@pytest.mark.parametrize("check", ["refusals", "last_refusals"])
async def test_a_database_that_is_lost_after_the_mark_keeps_the_text_back(
    bot: Bot, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch, check: str
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    await confirm(bot, make_contact, 1)
    carrier = Carrier()
    with monkeypatch.context() as patch:
        patch.setattr(LateChecks, check, away)
        with suppress(StoreUnavailable):
            await through(bot, carrier).send_some()
    assert carrier.handed == []
    (kept,) = await bot.store.deliveries.find({}, limit=2)
    assert (kept.state, kept.handed_at, kept.ask_at) == (DeliveryState.QUEUED, None, None)
    assert await through(bot, carrier).send_some() == 1
    assert [text.id for text in carrier.handed] == [kept.id]


async def test_a_canceled_worker_leaves_nothing_running(bot: Bot, make_contact: MakeContact) -> None:
    await confirm(bot, make_contact, 1)
    carrier = Holding(number(0))
    work = asyncio.create_task(through(bot, carrier).work(asyncio.Event()))
    await eventually(lambda: _has(bool(carrier.handed)))
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await eventually(lambda: _has(not any("_in_turn" in repr(task) for task in asyncio.all_tasks())))


async def _waiting(bot: Bot, carrier: Holding) -> Delivery:
    """Of two texts, the one that is marked and waits until the other one is through."""
    await eventually(lambda: _are_marked(bot, 2))
    await eventually(lambda: _has(len(carrier.handed) == 1))
    (number,) = {d.number for d in await bot.store.deliveries.find({}, limit=3)} - {*carrier.numbers()}
    (text,) = await bot.store.deliveries.find({"number": number}, limit=2)
    return text


async def _are_marked(bot: Bot, count: int) -> bool:
    return len(await bot.store.deliveries.find({"handed_at": {"$exists": True}}, limit=count)) == count


async def _is_blocked(bot: Bot, id: str) -> bool:
    delivery = await bot.store.deliveries.get(id)
    return delivery is not None and delivery.state is DeliveryState.BLOCKED


async def _has(is_so: bool) -> bool:
    return is_so
