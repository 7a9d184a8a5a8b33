"""Figures of the queue and of outbound messages, each from an index alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.model.base import now
from bot.model.delivery import THROUGHPUT, Delivery, DeliveryState
from bot.store.driver import READ_MS, database_errors
from bot.store.repository import Repository

MOMENTS = ("handed_at", "delivered_at", "clicked_at", "replied_at", "opted_out_at")
INDEX = "figures_and_cost"
FIGURES = ("state", "reason", "code", *MOMENTS, "segments", "cost")
"""What the figures of a message are made of: one index tells all of it, and no copy is read."""
EVER = {"$gt": datetime(2020, 1, 1, tzinfo=UTC), "$lt": datetime(3000, 1, 1, tzinfo=UTC)}
"""Matches a time that is there, from the index alone."""


class DeliveryFigureRepository(Repository[Delivery]):
    # --- how the queue is doing

    async def due_numbers(self, *, limit: int) -> list[str]:
        """Of the texts that are due longest, from the index alone."""
        return await self._numbers({"due_at": {"$lte": now()}}, "due_at", limit)

    async def numbers_without_a_turn(self, *, limit: int) -> list[str]:
        """Of texts that wait because their sender has reached its rate, from the index alone."""
        return await self._numbers({"reason": THROUGHPUT}, "number", limit)

    async def _numbers(self, match: dict[str, Any], order: str, limit: int) -> list[str]:
        cursor = self.collection.find(
            match, {"_id": 0, "number": 1}, sort=[(order, 1)], limit=limit, max_time_ms=READ_MS
        )
        with database_errors():
            return [raw["number"] for raw in await cursor.to_list(limit)]

    async def count_queue(self) -> tuple[int, int, datetime | None]:
        """How many texts wait, how many of them are due, and since when the first one is; from the index alone."""
        is_due = {"$lte": ["$due_at", now()]}
        group = {
            "_id": None,
            "waiting": {"$sum": 1},
            "due": {"$sum": {"$cond": [is_due, 1, 0]}},
            "oldest": {"$min": {"$cond": [is_due, "$due_at", None]}},
        }
        found = await self._counted({"due_at": EVER}, group)
        return (found[0]["waiting"], found[0]["due"], found[0]["oldest"]) if found else (0, 0, None)

    async def handed_over(self, since: datetime) -> dict[str, int]:
        """By sender; without a name: the provider chose. From the index alone."""
        found = await self._counted({"handed_at": {"$gte": since}}, {"_id": "$sender", "n": {"$sum": 1}})
        return {raw["_id"] or "": raw["n"] for raw in found}

    async def count_unacknowledged(self) -> int:
        """Handed over, and their result is not known yet."""
        return await self._count({"ask_at": EVER})

    async def count_unknown(self, since: datetime) -> int:
        return await self._count({"state": DeliveryState.UNKNOWN, "updated_at": {"$gte": since, "$lte": now()}})

    async def _count(self, match: Mapping[str, Any]) -> int:
        found = await self._counted(match, {"_id": None, "n": {"$sum": 1}})
        return int(found[0]["n"]) if found else 0

    async def _counted(self, match: Mapping[str, Any], group: Mapping[str, Any]) -> list[dict[str, Any]]:
        pipeline: list[dict[str, Any]] = [{"$match": match}, {"$group": group}]
        with database_errors():
            return list(await self.collection.aggregate(pipeline, maxTimeMS=READ_MS).to_list(None))

    # --- how a message is doing

    async def results_of(self, message: str) -> list[Mapping[str, Any]]:
        """By `state`, `reason` and `code`: `n` copies, how many have each of `MOMENTS`, the range of those times
        (`first`, `last`), `segments`, and their `cost`, except of the `unpriced` ones. From the index alone."""
        had = {name: {"$sum": {"$cond": [{"$gt": [f"${name}", None]}, 1, 0]}} for name in MOMENTS}
        range = {"first": {"$min": "$handed_at"}, "last": {"$max": {"$max": [f"${name}" for name in MOMENTS]}}}
        key = {name: f"${name}" for name in ("state", "reason", "code")}
        cost = {
            "segments": {"$sum": "$segments"},
            "cost": {"$sum": "$cost"},
            "unpriced": {"$sum": {"$cond": [{"$gt": ["$cost", None]}, 0, "$segments"]}},
        }
        found = await self._grouped(message, {"_id": key, "n": {"$sum": 1}, **had, **range, **cost})
        return [{**raw.pop("_id"), **raw} for raw in found]

    async def over_time(self, message: str, start: datetime, step: timedelta) -> dict[str, Counter[int]]:
        """For each of `MOMENTS`, how many copies had theirs in each step after `start`. From the index alone."""
        milliseconds = int(step.total_seconds() * 1000)
        place = {name: {"$floor": {"$divide": [{"$subtract": [f"${name}", start]}, milliseconds]}} for name in MOMENTS}
        found: dict[str, Counter[int]] = {name: Counter() for name in MOMENTS}
        for raw in await self._grouped(message, {"_id": place, "n": {"$sum": 1}}):
            for name, at in raw["_id"].items():
                if at is not None:
                    found[name][max(int(at), 0)] += raw["n"]
        return found

    async def _grouped(self, message: str, group: Mapping[str, Any]) -> list[dict[str, Any]]:
        pipeline: list[dict[str, Any]] = [{"$match": {"message": message}}, {"$group": group}]
        with database_errors():
            return list(await self.collection.aggregate(pipeline, maxTimeMS=READ_MS, hint=INDEX).to_list(None))
