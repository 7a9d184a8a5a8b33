"""Each minute in which events were recorded, the holder of the lease makes a checkpoint of the ledger."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from bot.consent.checkpoint_file import append
from bot.consent.checkpoints import CheckpointKeys, CheckpointLog
from bot.jobs.lease import Lease
from bot.model.base import new_id
from bot.store import Store

log = logging.getLogger("sayso.events")

EVERY = 60.0
"""Seconds between two checkpoints."""
LEASE_SECONDS = 20.0


class CheckpointWriter:
    """`file`: a copy of each checkpoint is appended to it."""

    def __init__(self, store: Store, keys: CheckpointKeys, file: Path | None = None) -> None:
        self._store = store
        self._log = CheckpointLog(store, keys)
        self._file = file
        self._holder = new_id()

    async def work(self, stop: asyncio.Event) -> None:
        """Runs until stopped, and writes once more then, so that a graceful stop leaves no event without a checkpoint.

        Raises StoreUnavailable and CheckpointKeyMissing.
        """
        async with Lease(self._store, "checkpoints", self._holder, LEASE_SECONDS) as lease:
            while not stop.is_set():
                if lease.is_held:
                    await self.write()
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), EVERY if lease.is_held else 1)
            if lease.is_held:
                await self.write()

    async def write(self) -> None:
        await self._log.cover()
        if self._file:
            try:
                await append(self._store, self._file)
            except (OSError, ValidationError):
                log.exception("checkpoints were not written to the file; trying again with the next one")
