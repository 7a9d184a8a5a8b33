"""Reads phone numbers on all cores, once each: with what else is stored of a number, one takes up to 0.3 ms."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process

from bot.contacts.imports.cells import ReadNumber, read_numbers
from bot.model.addresses import remember_facts

FEW = 100
"""Up to this many numbers are faster to read than to hand over."""
MOST_PROCESSES = 8


class NumberReader:
    """Starts its processes with the first large batch. They end with this one, however it ends."""

    def __init__(self, processes: int | None = None) -> None:
        self._count = min(processes or os.cpu_count() or 1, MOST_PROCESSES)
        self._pool: ProcessPoolExecutor | None = None

    async def read(self, cells: Sequence[str], region: str, countries: Sequence[str]) -> list[ReadNumber]:
        """In order. Their facts are remembered here, too."""
        numbers = await self._read(cells, region, countries)
        for number in numbers:
            if number.facts:
                remember_facts(number.e164, number.facts)
        return numbers

    async def _read(self, cells: Sequence[str], region: str, countries: Sequence[str]) -> list[ReadNumber]:
        if len(cells) <= FEW or self._count == 1:
            return await asyncio.to_thread(read_numbers, cells, region, countries)
        size = -(-len(cells) // self._count)
        parts = [cells[i : i + size] for i in range(0, len(cells), size)]
        loop = asyncio.get_running_loop()
        try:
            jobs = [loop.run_in_executor(self._started(), read_numbers, part, region, countries) for part in parts]
            return [number for part in await asyncio.gather(*jobs) for number in part]
        except BrokenProcessPool:  # one was killed; the next batch starts new ones
            self.close()
            return await asyncio.to_thread(read_numbers, cells, region, countries)

    def close(self) -> None:
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._count, mp_context=get_context("spawn"), initializer=_begin)
        return self._pool


def _begin() -> None:
    """In a new process: Ctrl-C is the parent's to answer, and a parent that was killed can't end its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := parent_process():
        connection.wait([parent.sentinel])
        os._exit(0)
