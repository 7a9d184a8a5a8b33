"""Texts to contacts: a queue, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.base import now
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.store.driver import READ_MS, database_errors
from bot.store.repository import Repository

LEFT = (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNKNOWN)
"""States of a text that reached its phone, or may have."""


class DeliveryRepository(Repository[Delivery]):
    name = "deliveries"
    model = Delivery
    indexes = (
        IndexModel(
            [("state", ASCENDING), ("updated_at", ASCENDING)],
            partialFilterExpression={"state": {"$in": [DeliveryState.QUEUED.value, DeliveryState.SENDING.value]}},
        ),
        IndexModel([("number", ASCENDING), ("created_at", DESCENDING)]),
        IndexModel(
            [("number", ASCENDING), ("kind", ASCENDING), ("created_at", DESCENDING)],
            partialFilterExpression={"kind": DeliveryKind.ASK.value},
        ),
        IndexModel([("worker", ASCENDING)], partialFilterExpression={"worker": {"$exists": True}}),
    )

    async def take(self, worker: str, *, limit: int) -> list[Delivery]:
        """Claims queued deliveries for one round of one worker, whose name no other round has; in their order."""
        queued = await self.find({"state": DeliveryState.QUEUED}, sort=[("state", 1), ("updated_at", 1)], limit=limit)
        if not queued:
            return []
        claim = {"$set": {"state": DeliveryState.SENDING, "worker": worker, "updated_at": now()}}
        with database_errors():
            await self.collection.update_many(
                {"_id": {"$in": [d.id for d in queued]}, "state": DeliveryState.QUEUED}, claim
            )
        taken = await self.find({"worker": worker, "state": DeliveryState.SENDING}, limit=limit)
        return sorted(taken, key=lambda delivery: (delivery.created_at, delivery.id))

    async def asked(self, number: str, *, limit: int = 20) -> list[Delivery]:
        """The questions of double opt-ins that left for this number, the newest first."""
        match = {"number": number, "kind": DeliveryKind.ASK, "state": {"$in": [*LEFT]}}
        return await self.find(match, sort=[("number", 1), ("kind", 1), ("created_at", -1)], limit=limit)

    async def lost(self, before: datetime, *, limit: int = 500) -> list[Delivery]:
        """What `give_up` is going to mark."""
        match = {"state": DeliveryState.SENDING, "updated_at": {"$lt": before}}
        return await self.find(match, sort=[("state", 1), ("updated_at", 1)], limit=limit)

    async def give_up(self, before: datetime) -> int:
        """Marks as unknown what was handed over and never heard of again (law 8)."""
        match = {"state": DeliveryState.SENDING, "updated_at": {"$lt": before}}
        with database_errors():
            result = await self.collection.update_many(
                match, {"$set": {"state": DeliveryState.UNKNOWN, "updated_at": now()}}
            )
        return int(result.modified_count)

    async def put_back(self, worker: str) -> None:
        """Back into the queue with what this worker took and did not hand over."""
        change = {"$set": {"state": DeliveryState.QUEUED, "updated_at": now()}, "$unset": {"worker": ""}}
        with database_errors():
            await self.collection.update_many({"worker": worker, "state": DeliveryState.SENDING}, change)

    async def sent_counts(self, numbers: Iterable[str], short: datetime, long: datetime) -> dict[str, tuple[int, int]]:
        """By number, the texts that left for it since `short` and since `long`, in one query.

        What teammates wrote is not counted: a long talk must not keep back a word about consent.
        """
        left = {"$in": [DeliveryState.SENT, DeliveryState.UNKNOWN]}
        pipeline: list[dict[str, Any]] = [
            {
                "$match": {
                    "number": {"$in": list(numbers)},
                    "created_at": {"$gte": long},
                    "state": left,
                    "kind": {"$ne": DeliveryKind.MESSAGE},
                }
            },
            {
                "$group": {
                    "_id": "$number",
                    "short": {"$sum": {"$cond": [{"$gte": ["$created_at", short]}, 1, 0]}},
                    "long": {"$sum": 1},
                }
            },
        ]
        with database_errors():
            found = await self.collection.aggregate(pipeline, maxTimeMS=READ_MS).to_list(None)
        return {raw["_id"]: (raw["short"], raw["long"]) for raw in found}
