"""Sites on which the chat was seen."""

from __future__ import annotations

from datetime import datetime, timedelta

from pymongo import DESCENDING, IndexModel

from bot.model.site import SiteVisit
from bot.store.driver import database_errors
from bot.store.repository import Repository

KEPT = timedelta(days=90)
"""After the last visit."""


class SiteVisitRepository(Repository[SiteVisit]):
    name = "site_visits"
    model = SiteVisit
    indexes = (IndexModel([("last_at", DESCENDING)], expireAfterSeconds=int(KEPT.total_seconds())),)

    async def note(self, origin: str, at: datetime, *, most: int) -> None:
        """Moves the last visit; a new site is kept while there are fewer than `most`."""
        is_new = await self.get(origin) is None
        if is_new and await self.count_about() >= most:
            return
        change = {"$max": {"last_at": at}, "$setOnInsert": {"first_at": at}}
        with database_errors():
            await self.collection.update_one({"_id": origin}, change, upsert=True)

    async def newest(self, *, limit: int) -> list[SiteVisit]:
        return await self.find({}, sort=[("last_at", -1)], limit=limit)
