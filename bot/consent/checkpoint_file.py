"""Checkpoints in a file, one JSON document a line: a copy outside the database."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from bot.model.checkpoint import Checkpoint, StoredCheckpoint, checkpoint_id
from bot.store import Store

PAGE = 20
TAIL = 1 << 20
"""Bytes at the end of a file that hold its last line: a checkpoint has at most about 200 kB."""


async def export(store: Store, path: Path) -> int:
    """Replaces the file by all checkpoints; returns how many."""
    with path.open("w", encoding="utf-8") as file:
        count = 0
        async for page in _pages(store, after=0):
            file.writelines(_lines(page))
            count += len(page)
    return count


async def append(store: Store, path: Path) -> None:
    """Appends the checkpoints that follow the last one in the file. Raises OSError."""
    last = _last_number(path)
    async for page in _pages(store, after=last):
        with path.open("a", encoding="utf-8") as file:
            file.writelines(_lines(page))
            file.flush()
            os.fsync(file.fileno())


async def _pages(store: Store, after: int) -> AsyncIterator[list[Checkpoint]]:
    """Leaves out edited checkpoints, which `verify` reports."""
    id = checkpoint_id(after)
    while page := await store.checkpoints.page_raw(id, limit=PAGE):
        id = str(page[-1]["_id"])
        yield [checkpoint for raw in page if (checkpoint := StoredCheckpoint.of(raw).checkpoint)]


def _lines(page: Iterable[Checkpoint]) -> Iterable[str]:
    return (f"{c.model_dump_json(by_alias=True, exclude_none=True, exclude={'token'})}\n" for c in page)


def _last_number(path: Path) -> int:
    """0 for a file that does not exist. A line that a crash cut off is removed."""
    if not path.exists():
        return 0
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL))
        whole, _, rest = file.read().rpartition(b"\n")
        if rest:
            file.truncate(size - len(rest))
        last = whole.rpartition(b"\n")[2]
    return Checkpoint.model_validate_json(last).number if last else 0
