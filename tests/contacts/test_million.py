"""Growth: a million contacts are listed, counted and searched in time, subscribed by one job, and imported in bounded
memory; people who fill in forms meanwhile don't wait. By `make soak`; `SAYSO_TEST_CONTACTS=100000` for fewer."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.consent.ledger import Ledger
from bot.consent.verify import verify
from bot.contacts.bulk import BulkConsent
from bot.contacts.finder import ContactFinder
from bot.demo import DEALS, make_demo
from bot.jobs.contact_imports import ContactImports
from bot.jobs.kinds import all_kinds
from bot.jobs.kinds.bulk_consent import BulkConsentInput, Subscribe
from bot.jobs.rules import ENDED
from bot.jobs.service import JobService
from bot.model.base import new_id, now
from bot.model.contact_import import ImportPlan
from bot.model.event import Evidence, How
from bot.model.filter import Filter
from bot.model.job import Job, JobState
from bot.model.selection import Selection
from bot.model.teammate import By
from bot.model.us_area_codes import STATE_OF
from bot.store import Store, open_store
from bot.store.embedded import embedded_server
from tests.bench.contacts import crowded, query_times, show_times
from tests.bench.machine import memory_of
from tests.bench.table import table
from tests.contacts.imports.working import at_work
from tests.people import change, person

NUMBER = int(os.environ.get("SAYSO_TEST_CONTACTS", "1000000"))
KEPT = os.environ.get("SAYSO_TEST_FOLDER")
"""Where the contacts stay, to be measured again."""


@pytest.mark.soak
async def test_a_million_contacts_are_found_in_time(tmp_path: Path) -> None:
    folder = Path(KEPT) if KEPT else tmp_path
    async with embedded_server(folder, engine="mongod") as server, open_store(server.url, "million") as store:
        took = await crowded(store, NUMBER)
        timed = await query_times(ContactFinder(store), rounds=5)
    show_times(timed, NUMBER, took)
    assert [t.name for t in timed if not t.is_met] == []


ADA = By("ada", "Ada")
FORMS_A_SECOND, LONGEST_WAIT = 100, 1.0
MOST_GROWTH = 150 * 1024 * 1024


@asynccontextmanager
async def database(folder: Path, name: str) -> AsyncIterator[Store]:
    async with embedded_server(folder, engine="mongod") as server, open_store(server.url, name) as store:
        yield store


async def ended(jobs: JobService, id: str) -> Job:
    while (job := await jobs.get(id)).state not in ENDED:  # noqa: ASYNC110 (as a page does)
        await asyncio.sleep(1)
    assert job.state is JobState.DONE, job.error
    return job


@pytest.mark.soak
async def test_everyone_is_subscribed_while_people_fill_in_forms(tmp_path: Path) -> None:
    async with database(tmp_path, "bulk") as store:
        await crowded(store, NUMBER)
        ledger = Ledger(store)
        jobs = JobService(store, all_kinds(store, ledger=ledger))
        consent = BulkConsent(
            subscription=DEALS, evidence=Evidence(how=How.PAPER, given_at=now() - timedelta(days=1)), by="ada"
        )
        input = BulkConsentInput(
            selection=Selection(filter=Filter().as_text()), size=NUMBER, ordered_at=now(), consent=consent
        )
        job, started = await jobs.start(Subscribe, input, ADA), time.monotonic()
        async with at_work(jobs):
            filling = asyncio.create_task(_fill_in_forms(store, ledger))
            done = await ended(jobs, job.id)
            took = time.monotonic() - started
            filling.cancel()
            waits = await filling
        report = await verify(store, repair=False)
    rows = [["contacts a second", f"{done.done / took:,.0f}"], *([name, f"{n:,}"] for name, n in done.counts.items())]
    rows += [["forms meanwhile", f"{len(waits):,}"], ["longest wait of a form, ms", f"{max(waits) * 1000:.0f}"]]
    table(f"One job subscribes {done.done:,} contacts in {took:.0f} s", ["", ""], rows)
    assert (report.faults, report.stale, done.done >= NUMBER) == ([], [], True)
    assert max(waits) < LONGEST_WAIT


async def _fill_in_forms(store: Store, ledger: Ledger) -> list[float]:
    """Until it is canceled. How long each waited."""
    waits: list[float] = []

    async def fill_in() -> None:
        visitor, began = person(new_id(), phone="+12015550123"), time.monotonic()
        await store.contacts.insert(visitor)
        await ledger.record(change(visitor.id, "form"))
        waits.append(time.monotonic() - began)

    async with asyncio.TaskGroup() as group:
        try:
            while True:
                group.create_task(fill_in())
                await asyncio.sleep(1 / FORMS_A_SECOND)
        except asyncio.CancelledError:
            pass
    return waits


@pytest.mark.soak
async def test_a_large_file_is_imported_in_bounded_memory(tmp_path: Path) -> None:
    file, codes = tmp_path / "people.csv", [*STATE_OF]
    with file.open("w") as out:
        out.write("Name,Email,Phone,Consent,Date\n")
        for i in range(NUMBER):
            number = f"+1{codes[i // 7000 % len(codes)]}{5550000 + i % 7000}"
            out.write(f"Person {i},p{i}@example.com,{number},yes,2025-03-31\n")
    async with database(tmp_path / "data", "import") as store:
        await store.prepare()
        await make_demo(store, "http://soak.test")
        jobs = JobService(store, all_kinds(store))
        imports, started = ContactImports(store, jobs), time.monotonic()
        with file.open("rb") as content:
            uploaded = await imports.upload(content, file.name, file.stat().st_size, ADA)
        plan = ImportPlan(targets=("name", "email", "phone", f"consent:{DEALS}", f"date:{DEALS}"), how=How.WRITTEN)
        async with at_work(jobs):
            checked = await imports.check(uploaded.id, plan, ADA)
            await ended(jobs, checked.check or "")
            began, memory = time.monotonic(), memory_of(os.getpid())
            await imports.start(uploaded.id, ADA)
            watching = asyncio.create_task(_peak_memory())
            done = await ended(jobs, uploaded.id)
            watching.cancel()
            growth = await watching - memory
        took, whole = time.monotonic() - began, time.monotonic() - started
    rows = [["rows a second", f"{done.done / took:,.0f}"], ["with upload and check, s", f"{whole:.0f}"]]
    rows += [["memory after the check, MB", f"{memory / 2**20:.0f}"], ["growth at most, MB", f"{growth / 2**20:.0f}"]]
    table(f"An import of {done.done:,} rows in {took:.0f} s", ["", ""], rows)
    assert done.done == NUMBER
    assert growth < MOST_GROWTH


async def _peak_memory() -> int:
    """Of this process, until it is canceled."""
    peak = 0
    try:
        while True:
            peak = max(peak, memory_of(os.getpid()))
            await asyncio.sleep(0.2)
    except asyncio.CancelledError:
        return peak
