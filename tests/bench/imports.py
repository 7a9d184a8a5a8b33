"""Rows a second of an import, beside a bare `insert_many` of the same documents."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from typing import Any

from pymongo import WriteConcern

from bot.consent.verify import verify
from bot.demo import DEALS, make_demo
from bot.jobs.contact_imports import ContactImports
from bot.jobs.kinds import all_kinds
from bot.jobs.service import JobService
from bot.model.contact_import import ImportPlan
from bot.model.event import How
from bot.model.teammate import By
from bot.model.us_area_codes import STATE_OF
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.bench.aims import Figure
from tests.bench.size import Size
from tests.bench.table import table

DATABASE = "bench_imports"
ADA = By("ada", "Ada")
STEP = 1000


async def measure_imports(mongo: EmbeddedServer, size: Size) -> list[Figure]:
    rows = size.contacts * 4
    async with open_store(mongo.url, DATABASE) as store:
        await store.prepare()
        await make_demo(store, "http://bench.test")
        imported = await _import(store, rows)
        bare = await _bare(store)
        await store.database.client.drop_database(DATABASE)
    lines = [["insert_many of the contacts and events", f"{bare:,.0f}", "1.00"]]
    lines.append(["import: read, match, record, project", f"{imported:,.0f}", f"{imported / bare:.2f}"])
    table(f"Import of {rows:,} new people with consent, w: majority, j: true", ["", "rows/s", "to insert_many"], lines)
    return [Figure("import: rows, to a bare insert_many of the same documents", imported / bare, 0.25)]


async def _import(store: Store, rows: int) -> float:
    """Rows a second of the job itself, numbers read on all cores."""
    jobs = JobService(store, all_kinds(store))
    imports = ContactImports(store, jobs)
    codes = [*STATE_OF]
    people = [
        f"Person {i},p{i}@example.com,+1{codes[i // 7000]}{5550000 + i % 7000},yes,2025-03-31" for i in range(rows)
    ]
    data = "\n".join(["Name,Email,Phone,Consent,Date", *people]).encode()
    file = await imports.upload(io.BytesIO(data), "bench.csv", len(data), ADA)
    plan = ImportPlan(targets=("name", "email", "phone", f"consent:{DEALS}", f"date:{DEALS}"), how=How.WRITTEN)
    kind = jobs.kinds["import_contacts"]
    at, input = kind.checkpoint(), kind.input(file=file.id, rows=rows, plan=plan)
    started = time.perf_counter()
    while not (batch := await kind.step(file.id, input, at, STEP)).is_last:
        at = batch.checkpoint
    rate = rows / (time.perf_counter() - started)
    report = await verify(store, repair=False)
    if report.faults or report.stale or await store.import_changes.count_about() != rows:
        raise RuntimeError(f"import: {report.faults[:3]} {report.stale[:3]}")
    return rate


async def _bare(store: Store) -> float:
    """The same documents into collections with the same indexes."""
    documents: list[tuple[Any, Sequence[dict[str, Any]]]] = []
    for source in (store.contacts, store.events):
        target = store.database.get_collection(f"bare_{source.name}", write_concern=WriteConcern("majority", j=True))
        await target.create_indexes(list(source.indexes))
        documents.append((target, await source.collection.find().to_list(None)))
    count, started = len(documents[0][1]), time.perf_counter()
    for start in range(0, max(len(raws) for _, raws in documents), STEP):
        for target, raws in documents:
            if some := raws[start : start + STEP]:
                await target.insert_many(some, ordered=False)
    return count / (time.perf_counter() - started)
