"""A worker beside a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.jobs.service import JobService


@asynccontextmanager
async def at_work(jobs: JobService) -> AsyncIterator[None]:
    stop = asyncio.Event()
    work = asyncio.create_task(jobs.work(stop))
    try:
        yield
    finally:
        stop.set()
        await work
