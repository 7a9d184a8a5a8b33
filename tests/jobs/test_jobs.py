"""Jobs on a real database: worked on, paused, resumed, canceled, retried, handed over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.errors import FilterTooBroad, Invalid, JobConflict, NotFound, StoreUnavailable, TooManyJobs
from bot.jobs import rules, service, worker
from bot.jobs.rules import JobAction
from bot.jobs.run import STUCK
from bot.jobs.service import JobService
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.job import Job, JobState
from bot.model.teammate import By
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from bot.workspace.audit import audit_entry
from tests.conftest import PATIENCE, eventually
from tests.jobs.kinds import Count, CountAlone, CountInput
from tests.people import second_process

ADA = By("ada", "Ada")


@asynccontextmanager
async def working(jobs: JobService) -> AsyncIterator[None]:
    """A process that works on them, and stops gracefully."""
    stop = asyncio.Event()
    task = asyncio.create_task(jobs.work(stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await task


async def reaches(jobs: JobService, id: str, *states: JobState) -> Job:
    async def there() -> Job | None:
        job = await jobs.get(id)
        return job if job.state in states else None

    found: Job = await eventually(there)
    return found


async def has_begun(jobs: JobService, id: str, done: int = 1) -> Job:
    async def there() -> Job | None:
        job = await jobs.get(id)
        return job if job.done >= done else None

    found: Job = await eventually(there)
    return found


def is_whole(job: Job) -> bool:
    return (job.done, job.total, sum(job.counts.values())) == (job.input["most"],) * 3


async def outcomes(jobs: JobService, id: str) -> list[str]:
    return [item.outcome for item in (await jobs.items(id, limit=10_000)).items]


async def test_a_job_is_worked_through_and_every_item_has_its_result(store: Store) -> None:
    jobs = JobService(store, [Count()])
    async with working(jobs):
        started = await jobs.start(Count, CountInput(most=25), ADA)
        job = await reaches(jobs, started.id, JobState.DONE)
    assert (job.by, job.by_name, job.kind) == ("ada", "Ada", "count")
    assert is_whole(job)
    assert job.counts == {"even": 13, "odd": 12}
    assert job.started_at is not None
    assert job.ended_at is not None
    assert (job.holder, job.error) == (None, None)
    results = await jobs.items(job.id)
    assert [item.detail for item in results.items] == [str(i) for i in range(25)]


async def test_a_job_queued_in_another_process_is_found(store: Store, mongo: EmbeddedServer) -> None:
    async with second_process(mongo) as other, working(JobService(other, [Count()])):
        jobs = JobService(store, [Count()])
        started = await jobs.start(Count, CountInput(most=3), ADA)
        assert is_whole(await reaches(jobs, started.id, JobState.DONE))


async def test_results_are_listed_by_outcome_and_page_by_page(store: Store) -> None:
    jobs = JobService(store, [Count()])
    async with working(jobs):
        job = await jobs.start(Count, CountInput(most=9), ADA)
        await reaches(jobs, job.id, JobState.DONE)
    first = await jobs.items(job.id, outcome="odd", limit=3)
    rest = await jobs.items(job.id, first.next, outcome="odd", limit=3)
    assert [item.detail for item in [*first.items, *rest.items]] == ["1", "3", "5", "7"]
    assert (rest.next, (await jobs.items(new_id())).items) == (None, [])


async def _left(jobs: JobService, kind: Count, id: str) -> Job:
    """The job when its worker has left it: after no more than the batch that was under way."""
    before = len(kind.seen)

    async def is_left() -> bool:
        return (await jobs.get(id)).holder is None

    await eventually(is_left)
    assert len(kind.seen) - before <= Count.most
    return await jobs.get(id)


async def test_a_pause_acts_after_the_batch_and_resuming_goes_on_where_it_was(store: Store) -> None:
    kind = Count()
    jobs = JobService(store, [kind])
    async with working(jobs):
        job = await jobs.start(Count, CountInput(most=60, seconds=0.02), ADA)
        await has_begun(jobs, job.id)
        assert (await jobs.act(job.id, JobAction.PAUSE, ADA)).state is JobState.PAUSED
        paused = await _left(jobs, kind, job.id)
        assert paused.state is JobState.PAUSED
        assert 0 < paused.done < 60
        assert len(kind.seen) == paused.done
        await jobs.act(job.id, JobAction.RESUME, ADA)
        assert is_whole(await reaches(jobs, job.id, JobState.DONE))
    assert kind.seen == [*range(60)]


async def test_resuming_while_the_last_batch_is_saved_repeats_nothing(store: Store) -> None:
    kind = Count()
    jobs = JobService(store, [kind])
    async with working(jobs):
        job = await jobs.start(Count, CountInput(most=50, seconds=0.02), ADA)
        for moved in range(1, 30, 6):
            await has_begun(jobs, job.id, moved)
            await jobs.act(job.id, JobAction.PAUSE, ADA)
            await jobs.act(job.id, JobAction.RESUME, ADA)
        assert is_whole(await reaches(jobs, job.id, JobState.DONE))
    assert kind.seen == [*range(50)]


async def test_a_canceled_job_stays_where_it_was(store: Store) -> None:
    kind = Count()
    jobs = JobService(store, [kind])
    async with working(jobs):
        job = await jobs.start(Count, CountInput(most=500, seconds=0.02), ADA)
        await has_begun(jobs, job.id)
        await jobs.act(job.id, JobAction.CANCEL, ADA)
        canceled = await _left(jobs, kind, job.id)
    assert (canceled.state, canceled.ended_at is not None) == (JobState.CANCELED, True)
    assert canceled.done == sum(canceled.counts.values()) == len(await outcomes(jobs, job.id)) < 500
    with pytest.raises(JobConflict):
        await jobs.act(job.id, JobAction.RESUME, ADA)


async def test_a_job_that_was_never_begun_can_be_paused_and_canceled(store: Store) -> None:
    jobs = JobService(store, [Count()])
    job = await jobs.start(Count, CountInput(most=1), ADA)
    for act in (JobAction.PAUSE, JobAction.RESUME, JobAction.CANCEL):
        await jobs.act(job.id, act, ADA)
    async with working(jobs):
        other = await jobs.start(Count, CountInput(most=1), ADA)
        await reaches(jobs, other.id, JobState.DONE)
    assert (await jobs.get(job.id)).done == 0


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(worker, "TICK_SECONDS", 0.02)


def failing(count: int, error: Exception, at: int = 10) -> Callable[[int], None]:
    left = count

    def fault(i: int) -> None:
        nonlocal left
        if i == at and left:
            left -= 1
            raise error

    return fault


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("error", [ValueError("no"), StoreUnavailable(), FilterTooBroad()])
async def test_a_batch_that_failed_is_repeated(store: Store, error: Exception) -> None:
    jobs = JobService(store, [Count(failing(3, error))])
    async with working(jobs):
        job = await jobs.start(Count, CountInput(most=20), ADA)
        done = await reaches(jobs, job.id, JobState.DONE, JobState.FAILED)
    assert (done.state, done.error) == (JobState.DONE, None)
    assert is_whole(done)


@pytest.mark.usefixtures("quick_retries")
async def test_a_job_that_goes_on_failing_fails_with_its_error_and_can_be_retried(store: Store) -> None:
    jobs = JobService(store, [Count(failing(rules.ATTEMPTS + 1, ValueError("of +12015550123")))])
    async with working(jobs):
        job = await jobs.start(Count, CountInput(most=20), ADA)
        failed = await reaches(jobs, job.id, JobState.FAILED)
        assert failed.attempts == rules.ATTEMPTS
        assert failed.error is not None
        assert failed.error.values == {"name": "ValueError"}
        assert 0 < failed.done < 20
        await jobs.act(job.id, JobAction.RETRY, ADA)
        done = await reaches(jobs, job.id, JobState.DONE)
    assert is_whole(done)
    assert (done.error, done.attempts) == (None, 0)


async def test_a_job_with_wrong_input_fails_at_once(store: Store) -> None:
    jobs = JobService(store, [Count(failing(1, Invalid("No such file."), at=0))])
    async with working(jobs):
        job = await jobs.start(Count, CountInput(most=20), ADA)
        failed = await reaches(jobs, job.id, JobState.FAILED)
    assert failed.error is not None
    assert failed.error.text == "No such file."


async def test_a_job_whose_process_dies_each_time_is_given_up(store: Store) -> None:
    jobs = JobService(store, [Count()])
    job = await jobs.start(Count, CountInput(most=1), ADA)
    for _ in range(rules.ATTEMPTS):
        assert await store.jobs.claim(job.id, new_id(), 0)
    async with working(jobs):
        failed = await reaches(jobs, job.id, JobState.FAILED)
    assert failed.error is not None
    assert "several times" in failed.error.text


async def test_a_worker_that_stops_hands_its_job_back_at_once(store: Store, mongo: EmbeddedServer) -> None:
    first, jobs = Count(), JobService(store, [Count()])
    async with second_process(mongo) as other:
        leaving = JobService(other, [first])
        async with working(leaving):
            job = await leaving.start(Count, CountInput(most=40, seconds=0.02), ADA)
            await has_begun(jobs, job.id)
        left = await jobs.get(job.id)
        assert (left.state, left.holder, left.attempts) == (JobState.QUEUED, None, 0)
        assert len(first.seen) == left.done
        async with working(jobs):
            assert is_whole(await reaches(jobs, job.id, JobState.DONE))


async def test_a_worker_that_lost_its_lease_saves_nothing_more(store: Store) -> None:
    jobs = JobService(store, [Count()])
    job = await jobs.start(Count, CountInput(most=1), ADA)
    slow = await store.jobs.claim(job.id, "slow", 0)
    assert slow
    next = await store.jobs.claim(job.id, "next", 60)
    assert next
    assert (next.term, slow.term) == (2, 1)
    assert await store.jobs.save(slow, {"at": 1}, total=1, done=1, counts={"even": 1}, is_last=True) is None
    assert not await store.jobs.renew(slow, 60)
    assert await store.jobs.release(slow) is None
    assert await store.jobs.fail(slow, STUCK) is None
    assert await jobs.get(job.id) == next


async def test_one_of_many_workers_gets_a_job(store: Store) -> None:
    job = await JobService(store, [Count()]).start(Count, CountInput(most=1), ADA)
    claims = await asyncio.gather(*(store.jobs.claim(job.id, new_id(), 60) for _ in range(20)))
    assert sum(claim is not None for claim in claims) == 1


async def test_a_job_can_be_started_for_later(store: Store) -> None:
    jobs = JobService(store, [Count()])
    later = await jobs.start(Count, CountInput(most=1), ADA, at=now() + timedelta(hours=1))
    soon = await jobs.start(Count, CountInput(most=1), ADA, at=now() + timedelta(seconds=1))
    async with working(jobs):
        await reaches(jobs, soon.id, JobState.DONE)
    assert (await jobs.get(later.id)).state is JobState.QUEUED


async def test_the_same_key_starts_one_job(store: Store) -> None:
    jobs, key = JobService(store, [Count()]), new_id()
    started = await asyncio.gather(*(jobs.start(Count, CountInput(most=1), ADA, key=key) for _ in range(5)))
    assert {job.id for job in started} == {key}
    assert len(await jobs.newest()) == 1


async def test_no_job_is_stored_without_its_entry_in_the_audit_log(store: Store) -> None:
    """They are written together, so no crash comes between."""
    jobs, key = JobService(store, [Count()]), new_id()
    await store.audit_log.insert(audit_entry(ADA, AuditAction.JOB_STARTED, key=key))
    assert await store.audit_log.count_about() == 1
    with pytest.raises(JobConflict):
        await jobs.start(Count, CountInput(most=1), ADA, key=key)
    assert await store.jobs.get(key) is None


async def test_of_an_exclusive_kind_one_job_is_under_way(store: Store) -> None:
    jobs = JobService(store, [Count(), CountAlone(failing(1, Invalid("no"), at=0))])
    first, second = [await jobs.start(CountAlone, CountInput(most=1), ADA) for _ in range(2)]
    assert first.id == second.id
    async with working(jobs):
        await reaches(jobs, first.id, JobState.FAILED)
        third = await jobs.start(CountAlone, CountInput(most=9, seconds=0.2), ADA)
        assert third.id != first.id
        with pytest.raises(JobConflict):
            await jobs.act(first.id, JobAction.RETRY, ADA)
        await reaches(jobs, third.id, JobState.DONE)
        await jobs.act(first.id, JobAction.RETRY, ADA)
        await reaches(jobs, first.id, JobState.DONE)
    assert [job.id for job in await jobs.newest(CountAlone)] == [third.id, first.id]
    assert await jobs.newest(Count) == []


async def test_no_more_jobs_wait_than_may(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST", 2)
    jobs = JobService(store, [Count()])
    first, _ = [await jobs.start(Count, CountInput(most=1), ADA) for _ in range(2)]
    with pytest.raises(TooManyJobs):
        await jobs.start(Count, CountInput(most=1), ADA)
    await jobs.act(first.id, JobAction.CANCEL, ADA)
    await jobs.start(Count, CountInput(most=1), ADA)


async def test_a_kind_of_a_later_version_is_left_alone(store: Store) -> None:
    job = await JobService(store, [Count()]).start(Count, CountInput(most=1), ADA)
    older = JobService(store, [CountAlone()])
    async with working(older):
        other = await older.start(CountAlone, CountInput(most=1), ADA)
        await reaches(older, other.id, JobState.DONE)
    with pytest.raises(NotFound):
        await older.get(job.id)
    assert (await JobService(store, [Count()]).get(job.id)).state is JobState.QUEUED
