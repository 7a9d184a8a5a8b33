"""Works on jobs. Any number of processes may do so at once: each job is leased to one of them."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
from collections.abc import Mapping
from typing import Any

from bot.errors import StoreUnavailable
from bot.jobs.kind import JobKind
from bot.jobs.run import LEASE_SECONDS, JobRun
from bot.model.base import new_id, now
from bot.store import Store

log = logging.getLogger("sayso.jobs")

AT_ONCE = 4
"""Jobs that a process works on side by side."""
TICK_SECONDS = 1.0
"""How often a worker looks for jobs that another process queued or left: one indexed query."""


class Worker:
    def __init__(
        self,
        store: Store,
        kinds: Mapping[str, JobKind[Any, Any]],
        wake: asyncio.Event,
        *,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._store, self._kinds, self._wake = store, kinds, wake
        self._lease_seconds = lease_seconds
        self._running: set[asyncio.Task[None]] = set()

    async def work(self, stop: asyncio.Event) -> None:
        """Runs until stopped: then it saves the current batches and releases their jobs."""
        try:
            while not stop.is_set():
                self._wake.clear()
                await self._claim(stop)
                await self._rest(stop)
            await asyncio.gather(*self._running)
        finally:
            for task in self._running:
                task.cancel()

    async def _claim(self, stop: asyncio.Event) -> None:
        if len(self._running) >= AT_ONCE:
            return
        try:
            for job in await self._store.jobs.next_due(self._kinds, now(), limit=20):
                claimed = await self._store.jobs.claim(job.id, _holder(), self._lease_seconds)
                if claimed:
                    run = JobRun(self._store, self._kinds[job.kind], claimed, self._lease_seconds)
                    self._begin(asyncio.create_task(run.until_it_ends(stop)))
                if len(self._running) >= AT_ONCE:
                    return
        except StoreUnavailable:
            log.warning("no jobs claimed: the database is away")
        except Exception:
            log.exception("no jobs claimed")

    def _begin(self, task: asyncio.Task[None]) -> None:
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _rest(self, stop: asyncio.Event) -> None:
        """Until a job is queued here or ends here, a stop, or the next tick."""
        waits = [asyncio.create_task(event.wait()) for event in (self._wake, stop)]
        await asyncio.wait([*waits, *self._running], timeout=TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


def _holder() -> str:
    """Names the machine and the process for people, and this claim among all."""
    return f"{platform.node()}:{os.getpid()}:{new_id()}"
