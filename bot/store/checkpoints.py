"""The repositories of the ledger's checkpoints."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from pymongo import ASCENDING, IndexModel

from bot.model.checkpoint import HEAD, Checkpoint, CheckpointHead
from bot.store.driver import READ_MS, database_errors
from bot.store.repository import Repository


class CheckpointRepository(Repository[Checkpoint]):
    """Append-only: `_id` is the number, so of two processes that write the same one, the second is refused."""

    name = "checkpoints"
    model = Checkpoint
    indexes = (IndexModel([("last", ASCENDING)]),)

    async def newest_raw(self) -> dict[str, Any] | None:
        with database_errors():
            found: dict[str, Any] | None = await self.collection.find_one({}, sort=[("_id", -1)], max_time_ms=READ_MS)
            return found

    async def raw(self, id: str) -> dict[str, Any] | None:
        """As it is stored, to check it against what was written."""
        with database_errors():
            found: dict[str, Any] | None = await self.collection.find_one({"_id": id}, max_time_ms=READ_MS)
            return found

    async def ending_from(self, event: str, *, batch: int = 5) -> AsyncIterator[dict[str, Any]]:
        """`first`, `last` and `entries` of those that end at this event (by public id) or later, in that order."""
        match, fields = {"last": {"$gte": event}}, {"first": 1, "last": 1, "entries": 1}
        cursor = self.collection.find(match, fields, sort=[("last", 1)], batch_size=batch, max_time_ms=READ_MS)
        try:
            with database_errors():
                async for raw in cursor:
                    yield raw
        finally:
            await cursor.close()


class CheckpointHeadRepository(Repository[CheckpointHead]):
    """One document: the newest checkpoint."""

    name = "checkpoint_heads"
    model = CheckpointHead

    async def raw(self) -> dict[str, Any] | None:
        with database_errors():
            found: dict[str, Any] | None = await self.collection.find_one({"_id": HEAD}, max_time_ms=READ_MS)
            return found

    async def save(self, head: CheckpointHead) -> None:
        """Moves it forward, never back."""
        with database_errors():
            done = await self.collection.update_one(
                {"_id": head.id, "number": {"$lte": head.number}}, {"$set": head.stored()}
            )
        if not done.matched_count:
            await self.keep(head)
