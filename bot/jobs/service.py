"""Starts, lists and controls jobs, and works on them in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bot.errors import JobConflict, NotFound, TooManyJobs
from bot.jobs.kind import JobKind
from bot.jobs.rules import RETRIED_FOR, SOURCES, TARGETS, JobAction
from bot.jobs.run import LEASE_SECONDS
from bot.jobs.worker import Worker
from bot.model.audit import AuditAction
from bot.model.base import Value, new_id, now
from bot.model.job import Job, JobItem, words_of
from bot.model.paging import Cursor, Page
from bot.model.teammate import By
from bot.store import Duplicate, Store
from bot.workspace.audit import AuditLog, audit_entry

I = TypeVar("I", bound=Value)  # noqa: E741 (input)

MOST = 1000
"""Jobs that may wait or run at the same time."""
RECORDED = {
    JobAction.PAUSE: AuditAction.JOB_PAUSED,
    JobAction.RESUME: AuditAction.JOB_RESUMED,
    JobAction.CANCEL: AuditAction.JOB_CANCELED,
    JobAction.RETRY: AuditAction.JOB_RETRIED,
}
CLOCKS = timedelta(minutes=5)
"""How far the clocks of two processes may differ without delaying a job."""


class JobService:
    def __init__(
        self, store: Store, kinds: Sequence[JobKind[Any, Any]], *, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self.kinds: Mapping[str, JobKind[Any, Any]] = {kind.name: kind for kind in kinds}
        self._store = store
        self._audit = AuditLog(store)
        self._wake = asyncio.Event()
        mine = {kind.name: kind for kind in kinds if kind.can_run}
        self._worker = Worker(store, mine, self._wake, lease_seconds=lease_seconds)
        self.work = self._worker.work

    async def start(
        self,
        kind: type[JobKind[I, Any]],
        input: I,
        by: By,
        *,
        key: str = "",
        at: datetime | None = None,
        detail: str = "",
        group: str | None = None,
    ) -> Job:
        """Queues a job, to run now or at a time. Returns the existing one for the same `key` (24 hex digits), and while
        one of an exclusive kind is unfinished. `detail`: for the audit log. `group`: the job that it is
        appended to.

        Raises TooManyJobs.
        """
        if await self._store.jobs.count_active(limit=MOST) >= MOST:
            raise TooManyJobs
        time, values = now(), input.model_dump()
        job = Job(
            id=key or new_id(),
            kind=kind.name,
            input=values,
            keeps_words=bool(words_of(values)) or None,
            by=by.id,
            by_name=by.name,
            due=at or time - CLOCKS,
            only=_only(kind),
            group=group,
            created_at=time,
            updated_at=time,
        )
        try:
            await self._store.jobs.start(
                job, audit_entry(by, AuditAction.JOB_STARTED, kind.title, detail=detail, key=job.id)
            )
        except Duplicate:
            return await self._existing(job)
        self._wake.set()
        return job

    async def get(self, id: str) -> Job:
        """Raises NotFound, also for a kind that this version does not know."""
        job = await self._store.jobs.get(id)
        if job is None or job.kind not in self.kinds:
            raise NotFound
        return job

    async def newest(self, kind: type[JobKind[Any, Any]] | None = None, *, limit: int = 20) -> list[Job]:
        found = await self._store.jobs.newest(kind=kind.name if kind else None, limit=limit)
        return [job for job in found if job.kind in self.kinds]

    async def appended(self, group: str, *, limit: int) -> list[Job]:
        """The jobs that were appended to this one, the oldest first."""
        return await self._store.jobs.appended(group, limit=limit)

    async def items(
        self, job: str, cursor: Cursor | None = None, *, outcome: str | None = None, limit: int = 100
    ) -> Page[JobItem]:
        """Results in order of their items, for 90 days."""
        return await self._store.job_items.of(job, cursor, outcome=outcome, limit=limit)

    async def act(self, id: str, act: JobAction, by: By) -> Job:
        """Raises JobConflict when its state or kind does not allow that, or another job of an exclusive kind has not
        ended."""
        job = await self.get(id)
        if act is JobAction.RETRY and (job.is_forgotten or not await self.kinds[job.kind].may_retry(job)):
            raise JobConflict
        only = _only(type(self.kinds[job.kind])) if act is JobAction.RETRY else None
        try:
            moved = await self._store.jobs.move(id, SOURCES[act], TARGETS[act], only)
        except Duplicate:
            raise JobConflict from None
        if moved is None:
            raise JobConflict
        self._wake.set()
        await self._audit.record(by, RECORDED[act], self.kinds[job.kind].title)
        return moved

    async def forget_failed(self, time: datetime) -> None:
        """Of jobs that failed long ago, what may name people."""
        await self._store.jobs.forget_failed(time - RETRIED_FOR)

    async def _existing(self, job: Job) -> Job:
        found = await self._store.jobs.get(job.id)
        if found is None and job.only:
            found = await self._store.jobs.unended(job.only)
        if found is None:
            raise JobConflict  # the other one has just ended
        return found


def _only(kind: type[JobKind[Any, Any]]) -> str | None:
    return kind.name if kind.is_exclusive else None
