"""Sessions of teammates."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING, IndexModel

from bot.model.teammate import Session
from bot.store.driver import database_errors
from bot.store.repository import Repository


class SessionRepository(Repository[Session]):
    name = "sessions"
    model = Session
    indexes = (
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        IndexModel([("teammate", ASCENDING), ("expires_at", ASCENDING)]),
    )

    async def of(self, teammate: str, at: datetime, *, limit: int = 200) -> list[Session]:
        """Those that have not ended, the one that expires last first."""
        match = {"teammate": teammate, "expires_at": {"$gt": at}, "ended_at": {"$exists": False}}
        return await self.find(match, sort=[("teammate", -1), ("expires_at", -1)], limit=limit)

    async def end_others(self, teammate: str, kept: str, at: datetime) -> None:
        match = {"teammate": teammate, "expires_at": {"$gt": at}, "_id": {"$ne": kept}}
        with database_errors():
            await self.collection.update_many(match, {"$set": {"ended_at": at, "expires_at": at}})

    async def renew_version(self, id: str, password_version: int) -> None:
        """Keeps a session whose teammate just changed their password."""
        await self.update({"_id": id}, {"$set": {"password_version": password_version}})

    async def prove(self, id: str, at: datetime) -> None:
        """Its teammate just entered their password again."""
        await self.update({"_id": id}, {"$set": {"proved_at": at}})

    async def end(self, id: str, at: datetime) -> None:
        """Ends it now; the document expires."""
        await self.update({"_id": id}, {"$set": {"ended_at": at, "expires_at": at}})
