"""A process that works on imports, and is killed at a fault point."""

from __future__ import annotations

import asyncio
import os
import signal

from bot import fault_points
from bot.jobs.kinds import all_kinds
from bot.jobs.service import JobService
from bot.store import open_store

BATCH = 10


def work(url: str, point: str, count: int) -> None:
    """`point`: where it is killed when it gets there the `count`th time; empty: nowhere."""
    asyncio.run(_work(url, point, count))


async def _work(url: str, point: str, left: int) -> None:
    def reached(here: str) -> None:
        nonlocal left
        left -= here == point
        if point and not left:
            os.kill(os.getpid(), signal.SIGKILL)

    fault_points.reached = reached
    async with open_store(url, "sayso_test") as store:
        kinds = all_kinds(store)
        for kind in kinds:
            type(kind).most = BATCH
        await JobService(store, kinds, lease_seconds=2).work(asyncio.Event())
