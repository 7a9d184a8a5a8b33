"""A named, durable lease: one process at a time does a periodic task or moves a cursor.

    async with Lease(store, "consumer:texts", holder) as lease:
        while not stop.is_set():
            if lease.is_held:
                await one_round(lease.term)
            await asyncio.sleep(1)

The database's clock decides when a lease lapses, and this process's monotonic clock when it stops relying on it, so
clocks that differ do no harm. A suspended process can outlive its lease: writes that name `term` are refused then.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from bot.aio.background import uninterrupted
from bot.errors import StoreUnavailable
from bot.store import Store

log = logging.getLogger("sayso.jobs")

SECONDS = 10.0
"""How long a lease lasts without renewal: the time until another process takes over from a killed one."""
MARGIN = 0.8
"""The share of that time during which the holder writes, so that its last write ends before the lease does."""


class Lease:
    """`holder` is unique to this process and this lease."""

    def __init__(self, store: Store, name: str, holder: str, seconds: float = SECONDS) -> None:
        self.name, self.holder, self.seconds = name, holder, seconds
        self.term = 0
        """Counts the changes of holder; valid while it is held."""
        self._store = store
        self._until = 0.0
        self._renewal: asyncio.Task[None] | None = None

    @property
    def is_held(self) -> bool:
        return time.monotonic() < self._until

    async def acquire(self) -> bool:
        """Takes it if it is free, renews it if it is ours; returns whether it is ours. Raises StoreUnavailable."""
        asked = time.monotonic()
        found = await self._store.leases.acquire(self.name, self.holder, self.seconds)
        is_ours = found.holder == self.holder
        self._until = asked + self.seconds * MARGIN if is_ours else 0.0
        self.term = found.term
        return is_ours

    async def release(self) -> None:
        """Frees it for others at once. It lapses if the database is unavailable."""
        was_held, self._until = self._until > 0, 0.0
        if was_held:
            with suppress(StoreUnavailable):
                await self._store.leases.release(self.name, self.holder)

    async def __aenter__(self) -> Self:
        """Tries to take it, then keeps renewing it, or trying, in the background."""
        await self._try()
        self._renewal = asyncio.create_task(self._renew())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._renewal:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)
        await self.release()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self.seconds / 4)
            await self._try()

    async def _try(self) -> None:
        try:
            await uninterrupted(self.acquire())
        except StoreUnavailable:
            log.warning("lease %s not renewed: the database is away", self.name)
        except Exception:
            log.exception("lease %s not renewed", self.name)
