"""How many people stand where: right after each change, whoever wrote it, whatever broke."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from bot.app import Bot
from bot.consent.counts import CountKeeper, miscounted
from bot.consent.ledger import Ledger
from bot.consent.verify import verify
from bot.errors import StoreUnavailable
from bot.model.base import new_id, now
from bot.model.contact import ConsentState, Contact
from bot.model.event import Action, Actor, Source
from bot.store import Store, open_store
from bot.store.counts import COUNTS
from bot.store.embedded import EmbeddedServer
from tests.conftest import eventually
from tests.people import change

SUBSCRIPTIONS = ("deals", "orders", "letter")
ACTIONS = (Action.OPT_IN, Action.OPT_OUT, Action.REQUEST_CONFIRMATION, Action.CONFIRM, Action.EXPIRE, Action.REFUSE)
Counts = dict[str, dict[ConsentState, int]]


async def test_each_change_is_counted(store: Store, make_contact: Callable[..., Any]) -> None:
    ledger, ada, ben = Ledger(store), await make_contact(), await make_contact()
    seen = []
    for contact, action in [(ada, Action.OPT_IN), (ben, Action.OPT_IN), (ada, Action.OPT_OUT), (ben, Action.OPT_IN)]:
        await ledger.record(change(contact.id, new_id(), action, subscription="deals"))
        await _caught_up(store)
        counts = (await store.consent_counts.of(["deals"]))["deals"]
        seen.append((counts[ConsentState.OPTED_IN], counts[ConsentState.OPTED_OUT]))
    assert seen == [(1, 0), (2, 0), (1, 1), (1, 1)]


async def test_who_holds_the_lease_counts(bot: Bot, make_contact: Callable[..., Any]) -> None:
    ada = await make_contact()
    async with bot.running():
        await eventually(lambda: bot.store.consent_counts.get(COUNTS))
        await bot.ledger.record(change(ada.id, "k", subscription="deals"))
        await eventually(lambda: _shown(bot.store))
    assert await _shown(bot.store) == {"deals": {ConsentState.OPTED_IN: 1}}


async def test_a_subscription_that_nobody_was_asked_about_counts_nobody(store: Store) -> None:
    assert await store.consent_counts.of(["deals"]) == {}


@pytest.mark.parametrize("events", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_counts_are_right_after_mixed_events_of_four_writers(
    store: Store, mongo: EmbeddedServer, events: int
) -> None:
    """People whom all four change at once, in batches and one by one; about ten events each."""
    chance, time = random.Random(20261124), now()  # noqa: S311 (a seeded mixture, no secret)
    people = [Contact(id=new_id(), created_at=time, updated_at=time) for _ in range(events // 10)]
    await store.contacts.insert_many(people)

    def wanted(writer: int, i: int) -> Any:
        person, subscription = chance.choice(people).id, chance.choice(SUBSCRIPTIONS)
        return change(person, f"{writer}:{i}", chance.choice(ACTIONS), subscription=subscription)

    async def write(writer: int, own: Store) -> None:
        ledger = Ledger(own)
        for start in range(0, events // 4, 125):
            batch = [wanted(writer, i) for i in range(start, start + 125)]
            many, single = batch[:100], batch[100:]
            done, *_ = await asyncio.gather(ledger.record_many(many), *(ledger.record(one) for one in single))
            assert isinstance(done, list)
            assert not [r for r in done if isinstance(r, Exception)]

    async def count(stop: asyncio.Event) -> None:
        keeper = CountKeeper(store)
        while not stop.is_set():
            await _caught_up(store, keeper)

    stop = asyncio.Event()
    counting = [asyncio.create_task(count(stop)) for _ in range(2)]
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(mongo.url, "sayso_test")) for _ in range(4)]
        await asyncio.gather(*(write(i, own) for i, own in enumerate(stores)))
    stop.set()
    await asyncio.gather(*counting)
    await _caught_up(store)
    assert await store.events.count_about() == events
    assert await _shown(store) == await _recounted(store)
    assert (await verify(store, repair=False)).is_whole


@pytest.mark.parametrize("counting_begins", ["before the repair", "after it"])
async def test_an_event_that_a_crash_left_unprojected_is_counted_once(
    store: Store, make_contact: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, counting_begins: str
) -> None:
    ada = await make_contact()
    with monkeypatch.context() as patch:
        patch.setattr(store.contacts, "project_many", _die)
        with pytest.raises(AutoReconnect):
            await Ledger(store).record(change(ada.id, "k", subscription="deals"))
    if counting_begins == "before the repair":
        await _caught_up(store)
    await asyncio.gather(*(Ledger(store).contact(ada.id) for _ in range(5)))
    await _caught_up(store)
    assert await _shown(store) == {"deals": {ConsentState.OPTED_IN: 1}}
    assert await miscounted(store) == {}


async def test_a_lost_token_leads_to_a_recount(store: Store, make_contact: Callable[..., Any]) -> None:
    await _caught_up(store)
    await Ledger(store).record(change((await make_contact()).id, "k", subscription="deals"))
    await store.consent_counts.update({}, {"$set": {"token": {"_data": "82"}}})
    await _caught_up(store)
    assert await _shown(store) == {"deals": {ConsentState.OPTED_IN: 1}}
    assert await miscounted(store) == {}


async def test_a_person_who_is_erased_is_counted_nowhere(store: Store, make_contact: Callable[..., Any]) -> None:
    ada, ledger = await make_contact(), Ledger(store)
    for name in ("deals", "orders"):
        await ledger.record(change(ada.id, name, subscription=name))
    await _caught_up(store)
    await ledger.erase(ada.id, Actor(kind="system", id="test"), Source.SYSTEM, "erase")
    await _caught_up(store)
    assert await _shown(store) == {"deals": {}, "orders": {}}
    assert (await verify(store, repair=False)).is_whole


async def test_verify_finds_wrong_counts_and_puts_them_right(store: Store, make_contact: Callable[..., Any]) -> None:
    for _ in range(3):
        ada = await make_contact()
        await Ledger(store).record(change(ada.id, "k", subscription="deals"))
    await _caught_up(store)
    await store.consent_counts.update({"_id": COUNTS}, {"$inc": {"counts.deals.opted_in": 5}})
    report = await verify(store, repair=False)
    assert (report.is_whole, report.miscounted) == (False, {("deals", ConsentState.OPTED_IN): -5})
    assert (await verify(store, repair=True)).is_whole
    assert await _shown(store) == {"deals": {ConsentState.OPTED_IN: 3}}
    assert (await verify(store, repair=False)).is_whole


async def _caught_up(store: Store, keeper: CountKeeper | None = None) -> None:
    """Counts until it worked, as whoever holds the lease does: a database that is too busy to open a stream refuses it,
    and the next call continues from there."""
    keeper = keeper or CountKeeper(store)

    async def is_counted() -> bool:
        try:
            await keeper.catch_up()
        except StoreUnavailable:
            return False
        return True

    await eventually(is_counted)


async def _shown(store: Store) -> Counts:
    found = await store.consent_counts.of(SUBSCRIPTIONS)
    return {id: {state: n for state, n in counts.items() if n} for id, counts in found.items()}


async def _recounted(store: Store) -> Counts:
    counts: dict[str, Counter[ConsentState]] = {}
    async for page in store.contacts.scan():
        for contact in page:
            for consent in (c for c in contact.consents if c.state is not ConsentState.NONE):
                counts.setdefault(consent.subscription, Counter())[consent.state] += 1
    return {id: dict(found) for id, found in counts.items()}


async def _die(*_: object) -> None:
    raise AutoReconnect
