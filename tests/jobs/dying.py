"""A process that works on jobs, and ends itself in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from bot.jobs.service import JobService
from bot.store import open_store
from tests.jobs.kinds import OptIn


def work(url: str, place: str, batch: int, end: signal.Signals) -> None:
    """`place`: the method of the store at whose call number `batch` it gets the signal `end`."""
    asyncio.run(_work(url, place, batch, end))


async def _work(url: str, place: str, left: int, end: signal.Signals) -> None:
    async with open_store(url, "sayso_test") as store:
        if place:
            table, name = place.split(".")
            real = getattr(getattr(store, table), name)

            async def dying(*arguments: Any, **values: Any) -> Any:
                nonlocal left
                left -= 1
                if not left:
                    os.kill(os.getpid(), end)
                return await real(*arguments, **values)

            setattr(getattr(store, table), name, dying)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await JobService(store, [OptIn(store)], lease_seconds=2).work(stop)
