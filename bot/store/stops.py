"""The stop list, and the log that it is a projection of."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from bot.model.stop import Stop, StopEvent
from bot.store.numbered_log import NumberedLog
from bot.store.repository import Repository


class StopRepository(Repository[Stop]):
    """The stop list."""

    name = "stops"
    model = Stop

    async def take_over(self, before: Stop | None, after: Stop) -> None:
        """Unless another process took an entry over since `before` was read."""
        if before is None:
            await self.keep(after)
            return
        gone = {"lifted_at": ""} if after.lifted_at is None else {}
        seq = before.seq or {"$in": [0, None]}
        change = {"$set": after.stored(), **({"$unset": gone} if gone else {})}
        await self.update({"_id": before.id, "seq": seq}, change)


class StopEventRepository(NumberedLog[StopEvent]):
    """Every STOP and START, by number."""

    name = "stop_events"
    model = StopEvent
    owner = "number"
    indexes = (IndexModel([("key", ASCENDING)]),)
