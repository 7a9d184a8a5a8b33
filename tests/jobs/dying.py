"""A process that works on jobs, or erases somebody, and ends itself in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from bot.consent.ledger import Ledger
from bot.contacts.erase import Eraser
from bot.jobs.kind import JobKind
from bot.jobs.service import JobService
from bot.model.event import Actor, Source
from bot.store import Store, open_store
from tests.jobs.kinds import OptIn

Kinds = Callable[[Store], Sequence[JobKind[Any, Any]]]


def only_opt_in(store: Store) -> Sequence[JobKind[Any, Any]]:
    return [OptIn(store)]


def work(
    url: str, place: str, batch: int, end: signal.Signals, kinds: Kinds = only_opt_in, database: str = "sayso_test"
) -> None:
    """`place`: the method of the store at whose call number `batch` it gets the signal `end`; empty: it doesn't."""
    asyncio.run(_work(url, place, batch, end, kinds, database))


async def _work(url: str, place: str, batch: int, end: signal.Signals, kinds: Kinds, database: str) -> None:
    async with open_store(url, database) as store:
        _end_at(store, place, batch, end)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await JobService(store, kinds(store), lease_seconds=2).work(stop)


def erase(url: str, contact: str, place: str, call: int) -> None:
    asyncio.run(_erase(url, contact, place, call))


async def _erase(url: str, contact: str, place: str, call: int) -> None:
    async with open_store(url, "sayso_test") as store:
        _end_at(store, place, call, signal.SIGKILL)
        await store.keyed_numbers.prepare()
        await Eraser(store, Ledger(store)).erase(contact, Actor(kind="teammate", id="admin"), Source.PROFILE)


def _end_at(store: Store, place: str, left: int, end: signal.Signals) -> None:
    if not place:
        return
    table, name = place.split(".")
    real = getattr(getattr(store, table), name)

    async def dying(*arguments: Any, **values: Any) -> Any:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), end)
        return await real(*arguments, **values)

    setattr(getattr(store, table), name, dying)
