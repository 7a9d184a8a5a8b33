"""Rate limits for attempts, counted in our own database by the library `limits`."""

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
class RateLimit:
    """At most `most` attempts of one kind within `minutes` by the client that `who` identifies."""

    kind: str
    who: tuple[str, ...]
    most: int
    minutes: int

    @property
    def item(self) -> RateLimitItemPerMinute:
        return RateLimitItemPerMinute(self.most, self.minutes, self.kind)

    @property
    def whose(self) -> str:
        """A hash, so that this collection contains no addresses and no emails."""
        return hashlib.sha256("\n".join(self.who).encode()).hexdigest()[:32]


class _Storage(MongoDBStorage):
    """The library's storage on our own database. The client that it creates is never connected."""

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__("mongodb://localhost", window_collection_name=COLLECTION, connect=False)
        self._ours = database

    @property
    def database(self) -> AsyncIOMotorDatabase[dict[str, Any]]:
        return self._ours

    async def create_indices(self) -> None:
        """`AttemptCounter.prepare` creates the only index that is needed."""


class AttemptCounter:
    """A moving window: the time of each attempt is stored, and the next one is allowed once the oldest leaves the
    window.

    A fixed window would store less, but the library's upsert for it loses concurrent attempts on the second embedded
    server.
    """

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        self.collection = database.get_collection(COLLECTION)
        self._limiter = MovingWindowRateLimiter(_Storage(database))

    async def prepare(self) -> None:
        with database_errors():
            await self.collection.create_index("expireAt", expireAfterSeconds=0)

    async def take(self, limits: Sequence[RateLimit]) -> float | None:
        """Counts one attempt under each limit in order, up to the first exhausted one.

        Returns how many seconds to wait for that one; None: allowed.
        """
        for limit in limits:
            if wait := await self._hit(limit):
                return wait
        return None

    async def _hit(self, limit: RateLimit) -> float | None:
        """When two first attempts race, the library treats the one that lost the insert as refused, so it is counted
        again here."""
        with database_errors():
            for _ in range(2):
                if await self._limiter.hit(limit.item, limit.whose):
                    return None
                window = await self._limiter.get_window_stats(limit.item, limit.whose)
                if not window.remaining:
                    break
        return max(1.0, window.reset_time - time.time())

    async def give_back(self, limits: Sequence[RateLimit]) -> None:
        """Uncounts a successful attempt."""
        keys = [limit.item.key_for(limit.whose) for limit in limits]
        with database_errors():
            await asyncio.gather(*(self.collection.update_one({"_id": key}, {"$pop": {"entries": -1}}) for key in keys))
