"""A process that works on jobs, and ends itself in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from bot.jobs.kind import JobKind
from bot.jobs.service import JobService
from bot.store import Store, open_store
from tests.jobs.kinds import OptIn

Kinds = Callable[[Store], Sequence[JobKind[Any, Any]]]


def only_opt_in(store: Store) -> Sequence[JobKind[Any, Any]]:
    return [OptIn(store)]


def work(url: str, place: str, batch: int, end: signal.Signals, kinds: Kinds = only_opt_in) -> None:
    """`place`: the method of the store at whose call number `batch` it gets the signal `end`; empty: it doesn't."""
    asyncio.run(_work(url, place, batch, end, kinds))


async def _work(url: str, place: str, left: int, end: signal.Signals, kinds: Kinds) -> None:
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
        await JobService(store, kinds(store), lease_seconds=2).work(stop)
