"""The repository of leases."""

from __future__ import annotations

from typing import Any

from pymongo import ReturnDocument

from bot.aio.retry import retried
from bot.model.lease import LeaseRecord
from bot.store.clock import from_now, is_past
from bot.store.driver import Duplicate, database_errors
from bot.store.repository import Repository


class LeaseRepository(Repository[LeaseRecord]):
    name = "leases"
    model = LeaseRecord

    async def acquire(self, name: str, holder: str, seconds: float) -> LeaseRecord:
        """Takes or renews it, unless another holder has it; returns who has it now. One atomic update."""

        async def attempt() -> LeaseRecord:
            with database_errors():
                found = await self.collection.find_one_and_update(
                    {"_id": name}, _take(holder, seconds), upsert=True, return_document=ReturnDocument.AFTER
                )
            if not found:  # the second embedded server's reply to whichever insert came second
                raise Duplicate
            return LeaseRecord.load(found)

        return await retried(attempt, Duplicate)  # two made the document at once: it exists now

    async def release(self, name: str, holder: str) -> None:
        """Frees the lease if this holder has it."""
        with database_errors():
            await self.collection.update_one({"_id": name, "holder": holder}, [{"$set": {"until": "$$NOW"}}])


def _take(holder: str, seconds: float) -> list[dict[str, Any]]:
    is_mine = {"$eq": ["$holder", holder]}
    return [
        {"$set": {"mine": {"$or": [is_mine, is_past("until")]}}},
        {
            "$set": {
                "term": {
                    "$add": [{"$ifNull": ["$term", 0]}, {"$cond": [{"$and": ["$mine", {"$not": [is_mine]}]}, 1, 0]}]
                },
                "until": {"$cond": ["$mine", from_now(seconds), "$until"]},
            }
        },
        {"$set": {"holder": {"$cond": ["$mine", holder, "$holder"]}}},
        {"$unset": "mine"},
    ]
