"""Growth: a million contacts are listed, counted and searched in time; one job each subscribes, exports and imports as
many in bounded memory, also when its process is killed; people who fill in forms meanwhile don't wait. By `make soak`,
or alone by `pytest -s -m soak tests/contacts/test_million.py`; `SAYSO_TEST_CONTACTS=100000` for fewer, and
`SAYSO_TEST_FOLDER` keeps the contacts, to be measured again."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.consent.ledger import Ledger
from bot.consent.verify import verify
from bot.contacts.bulk import BulkConsent
from bot.contacts.bulk_rules import BulkOutcome
from bot.contacts.export import ContactExport, ExportFormat
from bot.contacts.finder import ContactFinder
from bot.contacts.selected import SelectedContacts
from bot.demo import DEALS
from bot.jobs.contact_imports import ContactImports
from bot.jobs.kinds import all_kinds
from bot.jobs.kinds.bulk_consent import BulkConsentInput, Subscribe
from bot.jobs.kinds.export_contacts import ExportContacts, ExportInput, ExportPlace
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
from bot.store.embedded import EmbeddedServer, embedded_server
from tests.bench.contacts import crowded, preview_times, query_times, show_times
from tests.bench.machine import memory_of
from tests.bench.table import table
from tests.contacts.imports.working import at_work
from tests.people import change, person

NUMBER = int(os.environ.get("SAYSO_TEST_CONTACTS", "1000000"))
KEPT = os.environ.get("SAYSO_TEST_FOLDER")
DATABASE = "million"
ADA = By("ada", "Ada")
EVERYBODY = Selection(filter=Filter().as_text())
FORMS_A_SECOND, LONGEST_WAIT = 100, 1.0
BESIDE_FORMS = min(NUMBER, 100_000)
MOST_GROWTH = 150 * 1024 * 1024
pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: creating the contacts takes longest."""
    return Path(KEPT) if KEPT else tmp_path_factory.mktemp("million")


@asynccontextmanager
async def crowd(folder: Path, number: int = NUMBER) -> AsyncIterator[tuple[EmbeddedServer, Store]]:
    async with embedded_server(folder, engine="mongod") as server, open_store(server.url, DATABASE) as store:
        await crowded(store, number)
        yield server, store


@dataclass(frozen=True, slots=True)
class Ran:
    job: Job
    seconds: float
    growth: int
    """Bytes that the second process grew by at most, after its first batch."""

    def show(self, what: str) -> None:
        rows = [["items a second", f"{self.job.done / self.seconds:,.0f}"]]
        rows += [[name, f"{n:,}"] for name, n in self.job.counts.items()]
        rows += [["growth at most, MB", f"{self.growth / 2**20:.0f}"]]
        table(f"{what}: {self.job.done:,} in {self.seconds:.0f} s, its process killed once", ["", ""], rows)


async def ran(server: EmbeddedServer, jobs: JobService, job: Job, most: int = NUMBER) -> Ran:
    """Two processes work on the job: the first one is killed after a third of its items."""
    started = time.monotonic()
    async with worker(server) as first:
        await progress(jobs, job.id, most // 3)
        first.kill()
        await first.wait()
    async with worker(server) as second:
        left = await jobs.get(job.id)
        await progress(jobs, job.id, left.done + 1)
        before, watching = memory_of(second.pid), asyncio.create_task(_peak_memory(second.pid))
        done = await progress(jobs, job.id, None)
        watching.cancel()
        growth = await watching - before
    assert done.state is JobState.DONE, done.error
    return Ran(done, time.monotonic() - started, growth)


WORKER = f"""
import signal
from bot.jobs.kinds import all_kinds
from tests.jobs.dying import work
work(%r, "", 0, signal.SIGKILL, all_kinds, {DATABASE!r})
"""


@asynccontextmanager
async def worker(server: EmbeddedServer) -> AsyncIterator[asyncio.subprocess.Process]:
    """A new interpreter: it starts processes of its own, which read numbers."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER % server.url)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def progress(jobs: JobService, id: str, done: int | None) -> Job:
    """Until so many items are done, or the job has ended."""
    while (job := await jobs.get(id)).state not in ENDED and (done is None or job.done < done):  # noqa: ASYNC110
        await asyncio.sleep(0.5)  # as a page does
    return job


async def _peak_memory(pid: int) -> int:
    """Until it is canceled."""
    peak = 0
    try:
        while True:
            peak = max(peak, memory_of(pid))
            await asyncio.sleep(0.2)
    except asyncio.CancelledError:
        return peak


async def test_a_million_contacts_are_found_in_time(folder: Path) -> None:
    started = time.monotonic()
    async with crowd(folder) as (_server, store):
        took = time.monotonic() - started
        timed = await query_times(ContactFinder(store), rounds=5) + await preview_times(store, rounds=5)
    show_times(timed, NUMBER, took)
    assert [t.name for t in timed if not t.is_met] == []


async def test_everyone_is_exported_once(folder: Path) -> None:
    async with crowd(folder) as (server, store):
        jobs = JobService(store, all_kinds(store))
        columns = await ContactExport(store, SelectedContacts(store, ContactFinder(store))).columns()
        input = ExportInput(
            selection=EVERYBODY, size=NUMBER, ordered_at=now(), format=ExportFormat.NDJSON, columns=columns
        )
        done = await ran(server, jobs, await jobs.start(ExportContacts, input, ADA))
        lines, last = 0, ""
        pieces = ExportPlace.model_validate(done.job.checkpoint).pieces
        async for data in store.export_pieces.read(done.job.id, pieces):
            for line in data.splitlines():
                id = str(json.loads(line)["id"])
                assert id > last, "each once, in order"
                lines, last = lines + 1, id
    done.show("Export")
    assert lines == done.job.done >= NUMBER
    assert done.growth < MOST_GROWTH


async def test_everyone_is_subscribed_once(folder: Path) -> None:
    async with crowd(folder) as (server, store):
        jobs, before = JobService(store, all_kinds(store)), await store.events.count_about()
        done = await ran(server, jobs, await jobs.start(Subscribe, subscribing(NUMBER), ADA))
        new = await store.events.count_about() - before
    done.show("Subscribe")
    assert done.job.done == sum(done.job.counts.values()) >= NUMBER
    assert new == done.job.counts.get(BulkOutcome.CHANGED, 0)
    assert done.growth < MOST_GROWTH


def subscribing(size: int) -> BulkConsentInput:
    evidence = Evidence(how=How.PAPER, given_at=now() - timedelta(days=1))
    consent = BulkConsent(subscription=DEALS, evidence=evidence, by="ada")
    return BulkConsentInput(selection=EVERYBODY, size=size, ordered_at=now(), consent=consent)


async def test_a_large_file_is_imported_in_bounded_memory(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    write_people(file)
    async with crowd(folder) as (server, store):
        jobs = JobService(store, all_kinds(store))
        imports, started, before = ContactImports(store, jobs), time.monotonic(), memory_of(os.getpid())
        watching = asyncio.create_task(_peak_memory(os.getpid()))
        with file.open("rb") as content:
            uploaded = await imports.upload(content, file.name, file.stat().st_size, ADA)
        watching.cancel()
        growth = await watching - before
        table(f"Upload in {time.monotonic() - started:.0f} s", ["growth at most, MB"], [[f"{growth / 2**20:.0f}"]])
        plan = ImportPlan(targets=("name", "email", "phone", f"consent:{DEALS}", f"date:{DEALS}"), how=How.WRITTEN)
        checked = await imports.check(uploaded.id, plan, ADA)
        check = await ran(server, jobs, await jobs.get(checked.check or ""))
        done = await ran(server, jobs, await imports.start(uploaded.id, ADA))
    check.show("Check of a file")
    done.show("Import")
    assert check.job.done == done.job.done == NUMBER
    assert max(growth, check.growth, done.growth) < MOST_GROWTH


def write_people(file: Path) -> None:
    codes = [*STATE_OF]
    with file.open("w") as out:
        out.write("Name,Email,Phone,Consent,Date\n")
        for i in range(NUMBER):
            number = f"+1{codes[i // 7000 % len(codes)]}{2340000 + i % 7000}"
            out.write(f"Person {i},p{i}@example.com,{number},yes,2025-03-31\n")


async def test_all_chains_are_whole_after_that(folder: Path) -> None:
    async with crowd(folder) as (_server, store):
        started, report = time.monotonic(), await verify(store, repair=False)
        took = time.monotonic() - started
    table(f"Verified {report.contacts:,} contacts in {took:.0f} s", ["events"], [[f"{report.events:,}"]])
    assert (report.faults, report.stale) == ([], [])


async def test_people_who_fill_in_forms_do_not_wait_for_a_job(tmp_path: Path) -> None:
    """In one process, which is the hardest."""
    async with crowd(tmp_path, BESIDE_FORMS) as (_server, store):
        ledger = Ledger(store)
        jobs = JobService(store, all_kinds(store, ledger=ledger))
        job, started = await jobs.start(Subscribe, subscribing(BESIDE_FORMS), ADA), time.monotonic()
        async with at_work(jobs):
            filling = asyncio.create_task(_fill_in_forms(store, ledger))
            done = await progress(jobs, job.id, None)
            took = time.monotonic() - started
            filling.cancel()
            waits = await filling
        report = await verify(store, repair=False)
    rows = [["contacts a second", f"{done.done / took:,.0f}"], *([name, f"{n:,}"] for name, n in done.counts.items())]
    rows += [["forms meanwhile", f"{len(waits):,}"], ["longest wait of a form, ms", f"{max(waits) * 1000:.0f}"]]
    table(f"One job subscribes {done.done:,} contacts in {took:.0f} s", ["", ""], rows)
    assert (report.faults, report.stale, done.state) == ([], [], JobState.DONE)
    assert max(waits) < LONGEST_WAIT


async def _fill_in_forms(store: Store, ledger: Ledger) -> list[float]:
    """Until it is canceled, so many a second whether or not the earlier ones are done. How long each waited."""
    waits: list[float] = []

    async def fill_in(due: float) -> None:
        visitor = person(new_id(), phone="+12015550123")
        await store.contacts.insert(visitor)
        await ledger.record(change(visitor.id, "form"))
        waits.append(time.monotonic() - due)

    async with asyncio.TaskGroup() as group:
        due = time.monotonic()
        try:
            while True:
                group.create_task(fill_in(due))
                due += 1 / FORMS_A_SECOND
                await asyncio.sleep(due - time.monotonic())
        except asyncio.CancelledError:
            pass
    return waits
