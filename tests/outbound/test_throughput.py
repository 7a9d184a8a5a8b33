"""Each sender keeps its rate: what is beyond it waits in the queue."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.app import Bot
from bot.chat.conversations import texting_id
from bot.config import Settings
from bot.model.base import now
from bot.model.country_sender import CountrySender
from bot.model.delivery import THROUGHPUT, DeliveryState
from bot.outbound import sender, throughput
from bot.outbound.senders import rate_of, rated_sender
from bot.outbound.throughput import Throughput
from bot.store import Store
from tests.outbound.carrier import Carrier, through
from tests.outbound.test_outbound import copies, one_step, ordered, people


@pytest.mark.parametrize(
    ("name", "rate"), [("+12015550100", 1), ("+18335550100", 3), ("72345", 10), ("Harbor", 10), ("+447400123456", 10)]
)
def test_a_sender_has_the_rate_of_its_kind_unless_it_has_its_own(name: str, rate: float) -> None:
    assert rate_of(CountrySender(country="US", sender=name)) == rate
    assert rate_of(CountrySender(country="US", sender=name, per_second=25)) == 25


def test_a_number_of_several_countries_has_one_rate() -> None:
    name = "+12015550100"
    senders = [
        CountrySender(country="CA", sender=name, per_second=5),
        CountrySender(country="GB", sender=name, per_second=2),
        CountrySender(country="DE", sender="Harbor"),
    ]
    uk, canada, germany, france = "+447400123456", "+14165550123", "+4915112345678", "+33612345678"
    for number in (uk, canada, france):
        assert rated_sender(number, senders, (name, 0)) == (name, 2), "also as the default sender"
    assert rated_sender(france, senders, (name, 1)) == rated_sender(canada, senders, (name, 1)) == (name, 1)
    assert rated_sender(germany, senders, (name, 1)) == ("Harbor", 10)
    assert rated_sender(canada, senders, ("", 1)) == (name, 2)
    assert rated_sender(france, senders, ("", 0)) == ("", 0), "no limit"


@pytest.mark.parametrize(
    ("numbers", "service", "name"),
    [("+12015550100", "", "+12015550100"), ("+12015550100 72345", "", ""), ("72345", f"MG{'0' * 32}", "")],
)
def test_the_default_sender_has_a_name_if_it_is_one_number(
    settings: Settings, numbers: str, service: str, name: str
) -> None:
    given = {"twilio_numbers": numbers, "twilio_service": service}
    assert settings.model_copy(update=given).default_number == name


async def test_all_workers_together_keep_the_rate(store: Store) -> None:
    time = now()
    taken = await asyncio.gather(*(store.sender_paces.take("72345", time, 2.0, 1) for _ in range(8)))
    assert sum(pace.granted for pace in taken) == 7, "the texts of three seconds, and the one that is due"
    assert (await store.sender_paces.take("72345", time + timedelta(seconds=1), 2.0, 5)).granted == 2
    assert (await store.sender_paces.take("72345", time + timedelta(hours=1), 2.0, 9)).granted == 7, "nothing adds up"
    assert (await store.sender_paces.take("+12015550100", time, 1.0, 1)).granted == 1


@pytest.mark.parametrize(("rate", "texts"), [(1.0, 300), (10.0, 3000)])
async def test_a_backlog_leaves_at_the_rate_and_few_texts_ask(
    store: Store, monkeypatch: pytest.MonkeyPatch, rate: float, texts: int
) -> None:
    """In the time of a clock that moves as a worker looks at the queue."""
    paces, began, asked, left = Throughput(store, ("", rate)), now(), 0, 0
    due = [began] * texts
    step = timedelta(seconds=sender.POLL_SECONDS + sender.BUSY_SECONDS)
    looks = 24
    for time in (began + step * look for look in range(looks)):
        monkeypatch.setattr(throughput, "now", lambda at=time: at)
        asks = sum(at <= time for at in due)
        answers = await paces._ask_round([("", rate)] * asks)
        due = [at for at in due if at > time] + [at for at in answers if at]
        left += answers.count(None)
        asked += asks
    seconds = (looks - 1) * step.total_seconds()
    assert left >= rate * seconds
    assert asked - texts <= rate * seconds * (throughput.ASKED_FOR_EACH + 0.5)


async def test_texts_beyond_the_rate_wait_in_the_queue_and_answers_do_not(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bot.store.workspaces.set_sender(CountrySender(country="US", sender="72345", per_second=0.1))
    bot.workspace.cache_clear()
    time = now()
    monkeypatch.setattr(throughput, "now", lambda: time)
    ann, ben, cem = await people(bot, 3)
    for contact in (ann, ben, cem):
        await bot.conversations.begin_texting(contact.id, contact.phone or "")
    message, carrier = await ordered(bot), Carrier()
    await one_step(bot, message)
    worker = through(bot, carrier)
    while await worker.send_some():
        pass
    (handed,) = (text for text in carrier.handed if text.id.startswith("outbound:"))
    waiting = [copy for copy in await copies(bot, message) if copy.state is DeliveryState.QUEUED]
    assert [copy.reason for copy in waiting] == [THROUGHPUT] * 2
    assert all(copy.due_at and copy.due_at - now() <= throughput.LONGEST_WAIT for copy in waiting)
    assert all(copy.handed_at is None for copy in waiting)
    assert (await bot.queue.read()).without_turn == {"72345": 2}
    for contact in (ann, ben, cem):
        shown = await bot.store.parts.before(texting_id(contact.id), None, limit=9)
        is_there = any(f"outbound:{message.id}" in part.key for part in shown)
        assert is_there is (contact.phone == handed.number), "the conversation shows it when it leaves"
    assert await bot.store.deliveries.count_waiting(message.id, is_held=False, limit=9) == 2

    for copy in waiting:
        await bot.store.deliveries.update({"_id": copy.id}, {"$set": {"due_at": now()}})
    assert await worker.send_some() == 2
    again = [copy for copy in await copies(bot, message) if copy.reason == THROUGHPUT]
    assert [[step.what for step in copy.steps or ()] for copy in again] == [[THROUGHPUT]] * 2, "told once"

    other = ben if handed.number == ann.phone else ann
    before = len(carrier.handed)
    await bot.receive(other.phone or "", "HELP", "help-1")
    while await worker.send_some():
        pass
    assert [text.number for text in carrier.handed[before:]] == [other.phone]
