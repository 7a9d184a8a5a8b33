"""Workers that are killed in the middle: another process goes on, and every item is done exactly once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.consent.verify import verify
from bot.demo import DEALS
from bot.jobs.service import JobService
from bot.model.contact import ConsentState
from bot.model.job import Job, JobState
from bot.model.teammate import By
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.conftest import eventually
from tests.jobs.kinds import CountInput, OptIn
from tests.people import person

ROOT = Path(__file__).parents[2]
WORKER = """
import asyncio, os, signal, sys
from bot.jobs.service import JobService
from bot.store import open_store
from tests.jobs.kinds import OptIn

async def main(url, place, batch):
    async with open_store(url, "sayso_test") as store:
        if place:
            table, name = place.split(".")
            real, left = getattr(getattr(store, table), name), int(batch)
            async def dying(*arguments, **values):
                nonlocal left
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)
                return await real(*arguments, **values)
            setattr(getattr(store, table), name, dying)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        print("ready", flush=True)
        await JobService(store, [OptIn(store)], lease_seconds=2).work(stop)

asyncio.run(main(*sys.argv[1:]))
"""


@asynccontextmanager
async def worker(mongo: EmbeddedServer, place: str = "", batch: int = 0) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of its own. `place`: the method of the store at whose call number `batch` it kills itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, mongo.url, place, str(batch), cwd=ROOT, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def opting_in(store: Store, count: int, seconds: float = 0) -> tuple[JobService, Job]:
    await store.contacts.insert_many([person(f"c{i:06d}") for i in range(count)])
    jobs = JobService(store, [OptIn(store)])
    return jobs, await jobs.start(OptIn, CountInput(most=count, seconds=seconds), By("ada", "Ada"))


async def has_done(jobs: JobService, job: Job, count: int) -> Job:
    async def there() -> Job | None:
        found = await jobs.get(job.id)
        return found if found.done >= count else None

    found: Job = await eventually(there, 30)
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
    async with worker(mongo, place, batch) as dying:
        assert await dying.wait() == -signal.SIGKILL
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
    async with worker(mongo) as one, worker(mongo) as other:
        jobs, job = await opting_in(store, 100, seconds=0.01)
        begun = await has_done(jobs, job, 20)
        assert begun.holder
        holder, follower = (one, other) if f":{one.pid}:" in begun.holder else (other, one)
        holder.kill()
        await holder.wait()
        left = await jobs.get(job.id)
        assert left.done < 100
        followed = await has_done(jobs, job, left.done + 20)
        assert f":{follower.pid}:" in (followed.holder or "")
        follower.kill()
        await follower.wait()
    async with worker(mongo):
        await has_done(jobs, job, 100)
    await check_exactly_once(store, jobs, job)
    assert (await jobs.get(job.id)).term >= 3


async def test_a_worker_that_is_told_to_stop_hands_over_at_once(store: Store, mongo: EmbeddedServer) -> None:
    jobs, job = await opting_in(store, 100)
    async with worker(mongo) as leaving:
        await has_done(jobs, job, 10)
        leaving.terminate()
        async with asyncio.timeout(30):
            assert await leaving.wait() == 0
    left = await jobs.get(job.id)
    assert (left.state, left.holder) == (JobState.QUEUED, None)
    async with worker(mongo):
        await has_done(jobs, job, 100)
    await check_exactly_once(store, jobs, job)
