"""Processes that are killed in the middle of an import or an undo: another one goes on, and every row is done once."""

from __future__ import annotations

import io
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.consent.verify import verify
from bot.demo import DEALS
from bot.jobs.contact_imports import ContactImports
from bot.jobs.kinds import all_kinds
from bot.jobs.service import JobService
from bot.model.contact import ConsentState
from bot.model.contact_import import ContactImport, ImportPlan
from bot.model.event import How
from bot.model.job import Job, JobState
from bot.model.teammate import By
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests import processes
from tests.conftest import eventually
from tests.contacts.imports import dying

ADA = By("ada", "Ada")
ROWS = 45


@asynccontextmanager
async def worker(mongo: EmbeddedServer, point: str = "", count: int = 0) -> AsyncIterator[processes.Process]:
    process = await processes.start(dying.work, mongo.url, point, count)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def ended(jobs: JobService, id: str) -> Job:
    async def there() -> Job | None:
        job = await jobs.get(id)
        return job if job.state in {JobState.DONE, JobState.FAILED} else None

    job: Job = await eventually(there)
    assert job.state is JobState.DONE, job.error
    return job


async def checked(imports: ContactImports, jobs: JobService, mongo: EmbeddedServer) -> ContactImport:
    """Each row a new person with consent; the last one says again what the first one did."""
    rows = [f"N{i},2015550{100 + i},yes" for i in range(ROWS - 1)]
    data = "\n".join(["Name,Phone,Consent", *rows, rows[0]]).encode()
    file = await imports.upload(io.BytesIO(data), "list.csv", len(data), ADA)
    plan = ImportPlan(targets=("name", "phone", f"consent:{DEALS}"), how=How.PAPER)
    file = await imports.check(file.id, plan, ADA)
    async with worker(mongo):
        await ended(jobs, file.check or "")
    return file


async def check_each_row_once(store: Store, job: Job) -> None:
    counts = {outcome: count for outcome, count in job.counts.items() if count}
    assert (job.done, counts) == (ROWS, {"created": ROWS - 1, "same": 1, "opted_in": ROWS - 1, "already": 1})
    contacts = await store.contacts.page("", limit=1000)
    assert {contact.name for contact in contacts} == {f"N{i}" for i in range(ROWS - 1)}
    assert len(contacts) == ROWS - 1
    assert {contact.ledger.seq for contact in contacts} == {1}, "one event each"
    assert all((c := contact.consent(DEALS)) and c.state is ConsentState.OPTED_IN for contact in contacts)
    report = await verify(store, repair=False)
    assert (report.is_whole, report.events) == (True, ROWS - 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("point", "count", "is_repaired"),
    [("kept", 2, False), ("stored", 3, False), ("recorded", 2, False), ("recorded", 2, True), ("projected", 1, False)],
)
async def test_an_import_is_resumed_by_another_process(
    demo_store: Store, mongo: EmbeddedServer, point: str, count: int, is_repaired: bool
) -> None:
    """`is_repaired`: contacts of whom there are only events are stored before it goes on."""
    jobs = JobService(demo_store, all_kinds(demo_store))
    imports = ContactImports(demo_store, jobs)
    file = await checked(imports, jobs, mongo)
    await imports.start(file.id, ADA)
    async with worker(mongo, point, count) as killed:
        assert await killed.wait() == -signal.SIGKILL
    assert (await jobs.get(file.id)).state is JobState.RUNNING
    if is_repaired:
        assert (await verify(demo_store, repair=True)).repaired
    async with worker(mongo):
        await check_each_row_once(demo_store, await ended(jobs, file.id))


@pytest.mark.slow
@pytest.mark.parametrize(("point", "count"), [("restored", 2), ("recorded", 1), ("projected", 3)])
async def test_an_undo_is_resumed_by_another_process(
    demo_store: Store, mongo: EmbeddedServer, point: str, count: int
) -> None:
    jobs = JobService(demo_store, all_kinds(demo_store))
    imports = ContactImports(demo_store, jobs)
    file = await checked(imports, jobs, mongo)
    await imports.start(file.id, ADA)
    async with worker(mongo):
        await ended(jobs, file.id)
    undo = await imports.undo(file.id, ADA)
    async with worker(mongo, point, count) as killed:
        assert await killed.wait() == -signal.SIGKILL
    async with worker(mongo):
        await ended(jobs, undo.id)
    contacts = await demo_store.contacts.page("", limit=1000)
    assert {(contact.name, contact.phone, contact.consents, contact.ledger.seq) for contact in contacts} == {
        (None, None, (), 3)
    }, "the consent, its retraction, and the number that is gone"
    report = await verify(demo_store, repair=False)
    assert (report.is_whole, report.events) == (True, 3 * (ROWS - 1))
