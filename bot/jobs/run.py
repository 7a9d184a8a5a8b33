"""One claimed job in this process: batch after batch, until it ends or somebody stops it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import Any

from bot.errors import FilterTooBroad, SaysoError, StoreUnavailable
from bot.errors import marked as _
from bot.jobs.kind import Batch, JobKind
from bot.jobs.rules import ATTEMPTS, FIRST_LIMIT, next_limit, retry_after
from bot.model.base import now
from bot.model.job import Job, JobError, JobItem, JobState
from bot.store import Store

log = logging.getLogger("sayso.jobs")

LEASE_SECONDS = 10.0
"""How long until another process takes over from a killed one."""
STUCK = JobError(text=_("Stopped several times without making progress."))


class LeaseLost(Exception):
    """Another worker has the job now."""


class JobRun:
    def __init__(self, store: Store, kind: JobKind[Any, Any], job: Job, lease_seconds: float = LEASE_SECONDS) -> None:
        self._store, self._kind, self._job = store, kind, job
        self._lease_seconds = lease_seconds

    async def until_it_ends(self, stop: asyncio.Event) -> None:
        """Renews the lease meanwhile, and stops if it is lost. Logs every failure."""
        work = asyncio.create_task(self._work(stop))
        renewal = asyncio.create_task(self._renew())
        try:
            await asyncio.wait({work, renewal}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        except LeaseLost:
            log.warning("job %s: taken over by another worker", self._job.id)
        except StoreUnavailable:
            log.warning("job %s: the database is away; a worker takes it up again", self._job.id)
        except Exception:
            log.exception("job %s: broke off; a worker takes it up again", self._job.id)
        finally:
            work.cancel()
            renewal.cancel()
            await asyncio.gather(work, renewal, return_exceptions=True)

    async def _renew(self) -> None:
        """Until the lease is lost."""
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            try:
                if not await self._store.jobs.renew(self._job, self._lease_seconds):
                    return
            except StoreUnavailable:
                log.warning("job %s: lease not renewed, the database is away", self._job.id)

    async def _work(self, stop: asyncio.Event) -> None:
        if self._job.attempts > ATTEMPTS:  # its process died each time, before it could store an error
            await self._store.jobs.fail(self._job, STUCK)
            return
        try:
            pause = await self._batches(stop)
        except LeaseLost:
            raise
        except Exception as error:
            await self._failed(error)
        else:
            if self._job.holder:
                await self._store.jobs.release(self._job, seconds=pause, attempts=max(self._job.attempts - 1, 0))

    async def _batches(self, stop: asyncio.Event) -> float:
        """Until the job ends (then it has no holder), is paused or canceled, has to wait, or this process stops.
        Returns how many seconds it has to wait."""
        input, limit = self._kind.input.model_validate(self._job.input), FIRST_LIMIT
        total = self._job.total if self._job.total is not None else await self._kind.total(input)
        while self._job.state is JobState.RUNNING and not stop.is_set():
            at, began = self._kind.checkpoint.model_validate(self._job.checkpoint), time.monotonic()
            batch = await self._kind.step(self._job.id, input, at, min(limit, self._kind.most))
            await self._save(batch, total)
            if batch.again_after:
                return batch.again_after
            limit = next_limit(limit, time.monotonic() - began, self._kind.most)
        return 0

    async def _save(self, batch: Batch[Any], total: int | None) -> None:
        """Stores results first, under ids that refuse duplicates, then checkpoint and progress together."""
        at, job = now(), self._job.id
        items = [
            JobItem(id=f"{job}:{r.item}", job=job, item=r.item, outcome=r.outcome, detail=r.detail, at=at)
            for r in batch.results
        ]
        counts = await self._store.job_items.add(items) + Counter(batch.counts)
        saved = await self._store.jobs.save(
            self._job,
            batch.checkpoint.model_dump(),
            total=total,
            done=batch.done,
            counts=counts,
            is_last=batch.is_last,
        )
        if saved is None:
            raise LeaseLost
        self._job = saved

    async def _failed(self, error: Exception) -> None:
        """Schedules a retry, or fails the job for good."""
        if not isinstance(error, SaysoError):
            log.error("job %s: a batch failed", self._job.id, exc_info=error)
        is_permanent = isinstance(error, SaysoError) and not isinstance(error, StoreUnavailable | FilterTooBroad)
        seconds = None if is_permanent else retry_after(self._job.attempts)
        stored = _job_error(error)
        if seconds is None and await self._store.jobs.fail(self._job, stored):
            return
        await self._store.jobs.release(self._job, seconds=seconds or 0, error=stored, attempts=self._job.attempts)


def _job_error(error: Exception) -> JobError:
    """The error for the page. Other errors' messages may contain personal data: they are only logged."""
    if isinstance(error, StoreUnavailable):
        return JobError(text=_("The database didn't respond."))
    if isinstance(error, SaysoError):
        return JobError(text=error.text, values=error.values)
    return JobError(
        text=_("Unexpected error: %(name)s. The log has the details."), values={"name": type(error).__name__}
    )
