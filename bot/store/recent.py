"""Repositories of few, small documents that nearly every request reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from async_lru import alru_cache
from motor.motor_asyncio import AsyncIOMotorDatabase

from bot.store.repository import D, Repository, Update

RECENT_SECONDS = 1.0


class RecentRepository(Repository[D]):
    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self.recent = alru_cache(maxsize=1024, ttl=RECENT_SECONDS)(self._read)
        """`await recent(id)`: `get` without a query for the second after one. This process's own writes count at once,
        those of others after a second at the latest."""

    async def insert_raw(self, documents: Sequence[dict[str, Any]]) -> list[bool]:
        try:
            return await super().insert_raw(documents)
        finally:
            self.recent.cache_clear()

    async def update_many(self, updates: Sequence[tuple[Mapping[str, Any], Update]]) -> list[bool]:
        try:
            return await super().update_many(updates)
        finally:
            self.recent.cache_clear()

    async def _read(self, id: str) -> D | None:
        return await self.get(id)
