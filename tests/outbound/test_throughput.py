"""Each sender keeps its rate: what is beyond it waits in the queue."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.app import Bot
from bot.model.base import now
from bot.model.country_sender import CountrySender
from bot.model.delivery import THROUGHPUT, DeliveryState
from bot.outbound.senders import rate_of
from bot.store import Store
from tests.outbound.carrier import Carrier, through
from tests.outbound.test_outbound import copies, one_step, ordered, people


@pytest.mark.parametrize(
    ("sender", "rate"), [("+12015550100", 1), ("+18335550100", 3), ("72345", 10), ("Harbor", 10), ("+447400123456", 10)]
)
def test_a_sender_has_the_rate_of_its_kind_unless_it_has_its_own(sender: str, rate: float) -> None:
    assert rate_of(CountrySender(country="US", sender=sender)) == rate
    assert rate_of(CountrySender(country="US", sender=sender, per_second=25)) == 25


async def test_all_workers_together_keep_the_rate(store: Store) -> None:
    time = now()
    taken = await asyncio.gather(*(store.sender_paces.take("72345", time, 2.0, 1) for _ in range(8)))
    assert sum(pace.granted for pace in taken) == 3, "the texts of one second, and the one that is due"
    assert (await store.sender_paces.take("72345", time + timedelta(seconds=1), 2.0, 5)).granted == 2
    assert (await store.sender_paces.take("72345", time + timedelta(hours=1), 2.0, 9)).granted == 3, "nothing adds up"
    assert (await store.sender_paces.take("+12015550100", time, 1.0, 1)).granted == 1


async def test_texts_beyond_the_rate_wait_in_the_queue_and_answers_do_not(bot: Bot) -> None:
    await bot.store.workspaces.set_sender(CountrySender(country="US", sender="72345", per_second=0.01))
    bot.workspace.cache_clear()
    ann, ben, _ = await people(bot, 3)
    message, carrier = await ordered(bot), Carrier()
    await one_step(bot, message)
    worker = through(bot, carrier)
    while await worker.send_some():
        pass
    (handed,) = (text for text in carrier.handed if text.id.startswith("outbound:"))
    waiting = [copy for copy in await copies(bot, message) if copy.state is DeliveryState.QUEUED]
    assert [copy.reason for copy in waiting] == [THROUGHPUT] * 2
    assert all(copy.due_at and copy.due_at - now() <= timedelta(seconds=60) for copy in waiting)
    assert all(copy.handed_at is None for copy in waiting)
    assert await bot.store.deliveries.count_waiting(message.id, is_held=False, limit=9) == 2

    other = ben if handed.number == ann.phone else ann
    before = len(carrier.handed)
    await bot.receive(other.phone or "", "HELP", "help-1")
    while await worker.send_some():
        pass
    assert [text.number for text in carrier.handed[before:]] == [other.phone]
