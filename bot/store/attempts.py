"""How often somebody tried, counted in our own database by the library `limits`."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItemPerMinute
from limits.aio.storage.mongodb import MongoDBStorage
from limits.aio.strategies import MovingWindowRateLimiter
from motor.motor_asyncio import AsyncIOMotorDatabase

from bot.store.driver import database_errors

COLLECTION = "attempts"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` tries of one kind within `minutes`, by whoever `who` names."""

    kind: str
    who: tuple[str, ...]
    most: int
    minutes: int

    @property
    def item(self) -> RateLimitItemPerMinute:
        return RateLimitItemPerMinute(self.most, self.minutes, self.kind)

    @property
    def whose(self) -> str:
        """A hash, so that no address and no email stands in a collection that only counts."""
        return hashlib.sha256("\n".join(self.who).encode()).hexdigest()[:32]


class _Storage(MongoDBStorage):
    """The library's storage in our own database. The client it makes for itself is never connected."""

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__("mongodb://localhost", window_collection_name=COLLECTION, connect=False)
        self._ours = database

    @property
    def database(self) -> AsyncIOMotorDatabase[dict[str, Any]]:
        return self._ours

    async def create_indices(self) -> None:
        """`AttemptCounter.prepare` makes the only one that is needed."""


class AttemptCounter:
    """A moving window: the moment of each try is kept, and the next is free when the oldest of them is old enough.

    The library's fixed window would do with less, but its upsert comes to nothing when several tries meet on the
    second of the embedded servers.
    """

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        self.collection = database.get_collection(COLLECTION)
        self._limiter = MovingWindowRateLimiter(_Storage(database))

    async def prepare(self) -> None:
        with database_errors():
            await self.collection.create_index("expireAt", expireAfterSeconds=0)

    async def take(self, limits: Sequence[Limit]) -> float | None:
        """Counts one try under each limit, in their order, up to the first one that is reached.

        Answers how many seconds to wait for that one; None: the try is free.
        """
        for limit in limits:
            with database_errors():
                if not await self._limiter.hit(limit.item, limit.whose):
                    window = await self._limiter.get_window_stats(limit.item, limit.whose)
                    return max(1.0, window.reset_time - time.time())
        return None

    async def give_back(self, limits: Sequence[Limit]) -> None:
        """The try was a right one: it does not count."""
        keys = [limit.item.key_for(limit.whose) for limit in limits]
        with database_errors():
            await asyncio.gather(*(self.collection.update_one({"_id": key}, {"$pop": {"entries": -1}}) for key in keys))
