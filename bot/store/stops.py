"""The stop list and its log."""

from __future__ import annotations

from collections.abc import Iterable

from pymongo import ASCENDING, IndexModel

from bot.model.stop import Stop, StopEvent
from bot.store.driver import database_errors
from bot.store.numbered_log import NumberedLog
from bot.store.repository import Repository


class StopRepository(Repository[Stop]):
    """The stop list."""

    name = "stops"
    model = Stop

    async def stopped(self, numbers: Iterable[str]) -> set[str]:
        """Those of these numbers that are stopped, in one query."""
        return {number for number, stop in (await self.get_many(numbers)).items() if stop.holds}

    async def move(self, before: Stop | None, after: Stop) -> bool:
        """False if another process moved it since `before` was read."""
        if before is None:
            return (await self.insert_many([after]))[0]
        with database_errors():
            match = {"_id": before.id, "seq": before.seq or {"$in": [0, None]}}
            change = {"$set": after.stored(), **({"$unset": {"lifted_at": ""}} if after.holds else {})}
            return bool((await self.collection.update_one(match, change)).matched_count)


class StopEventRepository(NumberedLog[StopEvent]):
    """Every STOP and START, by number."""

    name = "stop_events"
    model = StopEvent
    owner = "number"
    indexes = (IndexModel([("key", ASCENDING)]),)
