"""Consents a second through the ledger, beside one transaction a consent written directly with motor."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pymongo import WriteConcern

from bot.consent.changes import ConsentChange
from bot.consent.ledger import Ledger
from bot.consent.ledger_round import Recorded
from bot.consent.next_event import next_event
from bot.consent.projection import apply
from bot.consent.verify import verify
from bot.demo import DEALS, LEGAL
from bot.errors import SaysoError
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.event import Action, Actor, Context, Source, Words
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.bench.aims import Figure
from tests.bench.machine import Watch
from tests.bench.size import Size
from tests.bench.table import table

AT_ONCE = 64
DURABLE = WriteConcern("majority", j=True)
Raw = dict[str, Any]
WORDS = Words(
    title="Sign up to our SMS deals to get 10% off",
    button="Sign Up Now",
    legal_text=LEGAL.format(url="https://chat.example"),
    subscription_name="Deals and new roasts",
    subscription_description="Offers and small-batch news, up to 4 texts a month.",
    locale="en",
    act='pressed "Sign Up Now"',
)
CONTEXT = Context(page="https://shop.example/beans", ip="203.0.113.9", user_agent="Mozilla/5.0 (X11; Linux x86_64)")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to record consents. `run` does as many as it can until none is left or it is that time (`perf_counter`),
    and answers how many it recorded."""

    name: str
    prepare: Callable[[Contact, ConsentChange], Any]
    run: Callable[[Store, Iterator[Any], float], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Measured:
    name: str
    rate: float
    ours_us: float
    mongod_us: float
    others: float


async def measure_ledger(mongo: EmbeddedServer, size: Size) -> list[Figure]:
    ways = (
        Way(f"transaction a consent, motor, {AT_ONCE} at once", _prepare_transaction, _transactions),
        Way("ledger, batches of 1, one after the other", _prepare_change, _alone),
        Way(f"ledger, single records, {AT_ONCE} callers at once", _prepare_change, _together),
        Way("ledger, batches of 64, one after the other", _prepare_change, _batches(64)),
        Way("ledger, batches of 64, four callers at once", _prepare_change, _batches(64, callers=4)),
        Way("ledger, batches of 256, one after the other", _prepare_change, _batches(256)),
    )
    found = [await _measure(mongo, way, size) for way in ways]
    _show(found, size.seconds)
    base, _, together, batches, four_at_once, _ = (m.rate for m in found)
    return [
        Figure("ledger: batches of 64, to a transaction each", max(batches, four_at_once) / base, 4.5, 7),
        Figure(f"ledger: {AT_ONCE} single callers, to a transaction each", together / base, 4),
    ]


def _show(found: list[Measured], seconds: float) -> None:
    base = found[0].rate
    rows = [
        [
            m.name,
            f"{m.rate:,.0f}",
            f"{m.rate / base:.2f}",
            f"{m.ours_us:,.0f}",
            f"{m.mongod_us:,.0f}",
            f"{m.others:.2f}",
        ]
        for m in found
    ]
    head = ["", "consents/s", "to the transaction", "our CPU, us each", "mongod CPU, us each", "cores of others"]
    table(f"Consents: new contacts, w: majority, j: true, {seconds:g} s each", head, rows)
    print("\n  The transaction inserts an event and updates a contact, both made beforehand. The ledger reads, checks,")
    print("  hashes and projects within its time. Checked: each measure left as many events as it counted, and whole")
    print("  chains.")


async def _measure(mongo: EmbeddedServer, way: Way, size: Size) -> Measured:
    done, spent, ours, theirs, others = 0, 0.0, 0.0, 0.0, 0.0
    async with _database(mongo) as store:
        while spent < size.seconds:
            todo = [way.prepare(contact, change) for contact, change in await _new_contacts(store, size.contacts)]
            watch, started = Watch({"ours": os.getpid(), "mongod": mongo.pid}), time.perf_counter()
            done += await way.run(store, iter(todo), started + size.seconds - spent)
            took, used = time.perf_counter() - started, watch.used()
            spent, ours, theirs = spent + took, ours + used["ours"], theirs + used["mongod"]
            others += watch.others() * took
        await _check(store, way.name, done)
    return Measured(way.name, done / spent, ours / done * 1e6, theirs / done * 1e6, others / spent)


async def _check(store: Store, name: str, done: int) -> None:
    """The counts that pages show are not looked at: no transaction of the peer's keeps them."""
    kept, report = await store.events.collection.count_documents({}), await verify(store, repair=False)
    if kept != done or report.faults or report.stale:
        raise RuntimeError(f"{name}: counted {done} consents, kept {kept}; {report.faults[:3]} {report.stale[:3]}")


@asynccontextmanager
async def _database(mongo: EmbeddedServer) -> AsyncIterator[Store]:
    """An empty one with its indexes, gone afterwards."""
    async with open_store(mongo.url, "bench_ledger") as store:
        await store.prepare()
        yield store
        await store.database.client.drop_database("bench_ledger")


async def _new_contacts(store: Store, count: int) -> list[tuple[Contact, ConsentChange]]:
    time = now()
    contacts = [Contact(id=new_id(), created_at=time, updated_at=time) for _ in range(count)]
    await store.contacts.collection.insert_many([contact.stored() for contact in contacts], ordered=False)
    return [(contact, _change(contact.id)) for contact in contacts]


def _change(contact: str) -> ConsentChange:
    return ConsentChange(
        contact=contact,
        subscription=DEALS,
        action=Action.OPT_IN,
        source=Source.FORM,
        actor=Actor(kind="contact", id=contact),
        number="+12015550123",
        words=WORDS,
        context=CONTEXT,
        key=new_id(),
    )


def _prepare_change(contact: Contact, change: ConsentChange) -> ConsentChange:
    return change


async def _alone(store: Store, changes: Iterator[ConsentChange], until: float) -> int:
    return await _one_caller(Ledger(store), changes, until)


async def _together(store: Store, changes: Iterator[ConsentChange], until: float) -> int:
    ledger = Ledger(store)
    return sum(await asyncio.gather(*(_one_caller(ledger, changes, until) for _ in range(AT_ONCE))))


async def _one_caller(ledger: Ledger, changes: Iterator[ConsentChange], until: float) -> int:
    done = 0
    for change in changes:
        await ledger.record(change)
        done += 1
        if time.perf_counter() >= until:
            break
    return done


def _batches(size: int, *, callers: int = 1) -> Callable[[Store, Iterator[ConsentChange], float], Awaitable[int]]:
    async def caller(ledger: Ledger, changes: Iterator[ConsentChange], until: float) -> int:
        done = 0
        while time.perf_counter() < until and (batch := list(islice(changes, size))):
            done += _recorded(await ledger.record_many(batch))
        return done

    async def run(store: Store, changes: Iterator[ConsentChange], until: float) -> int:
        ledger = Ledger(store)
        return sum(await asyncio.gather(*(caller(ledger, changes, until) for _ in range(callers))))

    return run


def _recorded(results: Sequence[Recorded | SaysoError]) -> int:
    for result in results:
        if isinstance(result, SaysoError):
            raise result
    return len(results)


def _prepare_transaction(contact: Contact, change: ConsentChange) -> tuple[Raw, Raw, Raw]:
    """The event, and the contact's update with what it must match: the very documents that the ledger writes."""
    event, raw = next_event(contact, change, now())
    projected = apply(contact, event).model_dump(include={"consents", "ledger", "phone"}, exclude_none=True)
    return raw, {"_id": contact.id, "ledger.seq": 0}, {"$set": {**projected, "updated_at": now()}}


async def _transactions(store: Store, todo: Iterator[tuple[Raw, Raw, Raw]], until: float) -> int:
    events, contacts = store.events.collection, store.contacts.collection

    async def caller() -> int:
        done = 0
        async with await store.database.client.start_session() as session:
            for event, match, update in todo:
                async with session.start_transaction(write_concern=DURABLE):
                    await events.insert_one(event, session=session)
                    await contacts.update_one(match, update, session=session)
                done += 1
                if time.perf_counter() >= until:
                    break
        return done

    return sum(await asyncio.gather(*(caller() for _ in range(AT_ONCE))))
