"""Workers that are killed in the middle: another process goes on, and every item is done exactly once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.consent.verify import verify
from bot.demo import DEALS
from bot.jobs.service import JobService
from bot.model.contact import ConsentState
from bot.model.job import Job, JobState
from bot.model.teammate import By
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests import processes
from tests.conftest import PATIENCE, eventually
from tests.jobs import dying
from tests.jobs.kinds import CountInput, OptIn
from tests.people import person


@asynccontextmanager
async def worker(
    mongo: EmbeddedServer, place: str = "", batch: int = 0, end: signal.Signals = signal.SIGKILL
) -> AsyncIterator[processes.Process]:
    process = await processes.start(dying.work, mongo.url, place, batch, end)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def opting_in(store: Store, count: int) -> tuple[JobService, Job]:
    await store.contacts.insert_many([person(f"c{i:06d}") for i in range(count)])
    jobs = JobService(store, [OptIn(store)])
    return jobs, await jobs.start(OptIn, CountInput(most=count), By("ada", "Ada"))


async def has_done(jobs: JobService, job: Job, count: int) -> Job:
    async def there() -> Job | None:
        found = await jobs.get(job.id)
        return found if found.done >= count else None

    found: Job = await eventually(there)
    return found


async def check_exactly_once(store: Store, jobs: JobService, job: Job) -> None:
    count = job.input["most"]
    done = await jobs.get(job.id)
    assert (done.state, done.done, done.total, done.counts) == (JobState.DONE, count, count, {"changed": count})
    assert len((await jobs.items(job.id, limit=1000)).items) == count
    contacts = await store.contacts.page("", limit=1000)
    assert {contact.ledger.seq for contact in contacts} == {1}, "one event each"
    assert all((c := contact.consent(DEALS)) and c.state is ConsentState.OPTED_IN for contact in contacts)
    report = await verify(store, repair=False)
    assert (report.is_whole, report.events) == (True, count)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("place", ["job_items.add", "jobs.save"])
async def test_what_a_killed_worker_had_begun_is_done_once(
    store: Store, mongo: EmbeddedServer, place: str, batch: int
) -> None:
    """Killed after the effects of a batch, or after its results, before its checkpoint."""
    jobs, job = await opting_in(store, 30)
    async with worker(mongo, place, batch) as killed:
        assert await killed.wait() == -signal.SIGKILL
    left = await jobs.get(job.id)
    assert (left.state, left.done) == (JobState.RUNNING, 5 * (batch - 1))
    assert await store.events.count_about() == 5 * batch, "the batch had its effects"
    async with worker(mongo):
        await has_done(jobs, job, 30)
    await check_exactly_once(store, jobs, job)
    assert (await jobs.get(job.id)).term >= 2


async def test_of_two_workers_the_one_that_is_killed_is_followed_by_the_other(
    store: Store, mongo: EmbeddedServer
) -> None:
    """Each dies at the end of its fourth batch."""
    jobs, job = await opting_in(store, 60)
    async with worker(mongo, "jobs.save", 4) as one, worker(mongo, "jobs.save", 4) as other:
        assert [await process.wait() for process in (one, other)] == [-signal.SIGKILL] * 2
    left = await jobs.get(job.id)
    assert (left.done <= 30, left.term >= 2) == (True, True)
    async with worker(mongo):
        await has_done(jobs, job, 60)
    await check_exactly_once(store, jobs, job)
    assert (await jobs.get(job.id)).term >= 3


async def test_a_worker_that_is_told_to_stop_hands_over_at_once(store: Store, mongo: EmbeddedServer) -> None:
    jobs, job = await opting_in(store, 100)
    async with worker(mongo, "jobs.save", 2, signal.SIGTERM) as leaving:
        async with asyncio.timeout(PATIENCE):
            assert await leaving.wait() == 0
    left = await jobs.get(job.id)
    assert (left.state, left.holder) == (JobState.QUEUED, None)
    async with worker(mongo):
        await has_done(jobs, job, 100)
    await check_exactly_once(store, jobs, job)
