"""Contacts a second that a bulk job subscribes, beside a bare `bulk_write` of the same documents with motor.

The job reads each contact, asks the stop list, decides, records an event, projects it, and keeps a result and its
checkpoint. The bare one writes events, contacts and results that were made beforehand, a thousand at a time, as
durable.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pymongo import InsertOne, UpdateOne, WriteConcern

from bot.consent.checkpoints import CheckpointKeys
from bot.consent.ledger import Ledger
from bot.consent.next_event import next_event
from bot.consent.projection import apply
from bot.consent.verify import verify
from bot.contacts.bulk import BulkConsent, BulkConsents
from bot.contacts.bulk_rules import ConsentOrder, proposed
from bot.demo import DEALS, make_demo
from bot.jobs.kinds import all_kinds
from bot.jobs.kinds.bulk_consent import BulkConsentInput, Subscribe
from bot.jobs.service import JobService
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.event import Evidence, How
from bot.model.filter import Filter
from bot.model.job import JobItem, JobState
from bot.model.selection import Selection
from bot.model.teammate import By
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.bench.aims import Figure
from tests.bench.machine import Watch
from tests.bench.size import Size
from tests.bench.table import table

DATABASE = "bench_bulk"
DURABLE = WriteConcern("majority", j=True)
AT_ONCE = 1000
EVIDENCE = Evidence(how=How.PAPER, given_at=now() - timedelta(days=1), note="Fair, box 3")


@dataclass(frozen=True, slots=True)
class Measured:
    rate: float
    ours_us: float
    mongod_us: float


async def measure_bulk(mongo: EmbeddedServer, size: Size) -> list[Figure]:
    ours, bare = [], []
    for _round in range(size.rounds):
        ours.append(await _measure(mongo, size, is_bare=False))
        bare.append(await _measure(mongo, size, is_bare=True))
    found = {"bulk job": _mean(ours), f"motor bulk_write, {AT_ONCE} at a time": _mean(bare)}
    rows = [[name, f"{m.rate:,.0f}", f"{m.ours_us:,.0f}", f"{m.mongod_us:,.0f}"] for name, m in found.items()]
    table(
        f"Bulk subscribe, {size.contacts:,} contacts",
        ["", "contacts/s", "our CPU, us each", "mongod CPU, us each"],
        rows,
    )
    return [
        Figure("bulk: subscribe, to a bare bulk_write of the same documents", _mean(ours).rate / _mean(bare).rate, 0.5)
    ]


def _mean(all_: list[Measured]) -> Measured:
    count = len(all_)
    return Measured(
        count / sum(1 / m.rate for m in all_),
        sum(m.ours_us for m in all_) / count,
        sum(m.mongod_us for m in all_) / count,
    )


async def _measure(mongo: EmbeddedServer, size: Size, *, is_bare: bool) -> Measured:
    async with open_store(mongo.url, DATABASE) as store:
        await store.prepare()
        await make_demo(store, "http://bench.test")
        await _add_people(store, size.contacts)
        count = await store.contacts.count_about()
        work = await _prepared_writes(store) if is_bare else None
        watch, started = Watch({"ours": os.getpid(), "mongod": mongo.pid}), time.perf_counter()
        await (_write(store, work) if work else _run_job(store, count))
        took, used = time.perf_counter() - started, watch.used()
        report = await verify(store, repair=False)
        if report.faults or report.stale or report.events < count:
            raise RuntimeError(f"bulk: {report.events} events of {count}; {report.faults[:3]} {report.stale[:3]}")
        await store.database.client.drop_database(DATABASE)
    return Measured(count / took, used["ours"] / count * 1e6, used["mongod"] / count * 1e6)


async def _add_people(store: Store, count: int) -> None:
    time = now()
    people = [
        Contact(
            id=new_id(), name=f"Ada Lovelace {i}", phone=f"+1201{2000000 + i}", created_at=time, updated_at=time,
            attributes={"city": "Harbor"},
        )
        for i in range(count)
    ]  # fmt: skip
    for i in range(0, count, 5000):
        await store.contacts.insert_many(people[i : i + 5000])


async def _run_job(store: Store, count: int) -> None:
    jobs, stop = JobService(store, all_kinds(store)), asyncio.Event()
    consent = BulkConsent(subscription=DEALS, evidence=EVIDENCE, by="ada")
    selection = Selection(filter=Filter().as_text())
    input = BulkConsentInput(selection=selection, size=count, ordered_at=now(), consent=consent)
    job = await jobs.start(Subscribe, input, By("ada", "Ada"))
    work = asyncio.create_task(jobs.work(stop))
    while (job := await jobs.get(job.id)).state in {JobState.QUEUED, JobState.RUNNING}:  # noqa: ASYNC110 (as a page does)
        await asyncio.sleep(0.1)
    stop.set()
    await work
    if job.state is not JobState.DONE:
        raise RuntimeError(f"bulk: {job.error}")


Writes = list[tuple[str, list[Any]]]


async def _prepared_writes(store: Store) -> Writes:
    """By collection, the same documents as the job writes."""
    wanted = BulkConsent(subscription=DEALS, evidence=EVIDENCE, by="ada")
    (order,) = await BulkConsents(store, Ledger(store)).orders(wanted, "bulk:bare")
    work: Writes = []
    signer = await CheckpointKeys(store).signing()
    async for page in store.contacts.scan(batch=AT_ONCE):
        made = [_writes(contact, order, signer.sign_event) for contact in page]
        work += [
            (name, [writes[name] for writes in made if name in writes]) for name in ("events", "contacts", "job_items")
        ]
    return work


def _writes(contact: Contact, order: ConsentOrder, sign: Callable[[str], str]) -> dict[str, Any]:
    item = JobItem(id=f"bare:{contact.id}", job="bare", item=contact.id, outcome="changed", at=now())
    change = proposed(contact, order)
    if isinstance(change, str):
        return {"job_items": InsertOne(item.stored())}
    event, raw = next_event(contact, change, now(), sign, is_stopped=False)
    after = apply(contact, event)
    head = {"seq": after.ledger.seq, "hash": after.ledger.hash}
    values = {"consents": after.stored_consents(), "ledger": head, "updated_at": now()}
    return {
        "events": InsertOne(raw),
        "contacts": UpdateOne({"_id": contact.id}, {"$set": values}),
        "job_items": InsertOne(item.stored()),
    }


async def _write(store: Store, work: Writes) -> None:
    for name, writes in work:
        if writes:
            collection = store.database.get_collection(name, write_concern=DURABLE)
            await collection.bulk_write(writes, ordered=False)
