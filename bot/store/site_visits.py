"""Sites on which the chat was seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pymongo import DESCENDING, IndexModel

from bot.model.site import SiteVisit
from bot.store.driver import database_errors
from bot.store.repository import Repository

KEPT = timedelta(days=90)
"""After the last visit."""
FORGOTTEN = datetime(1970, 1, 1, tzinfo=UTC)
"""The last visit of a forgotten site, so that the database deletes it."""


class SiteVisitRepository(Repository[SiteVisit]):
    name = "site_visits"
    model = SiteVisit
    indexes = (IndexModel([("last_at", DESCENDING)], expireAfterSeconds=int(KEPT.total_seconds())),)

    async def make_room(self, most: int, *, kept: Sequence[str]) -> None:
        """Forgets those that were not seen for longest, so that with one more there are no more than `most`; not the
        `kept` ones."""
        found = await self.newest(limit=2 * most)
        if (over := len(found) + 1 - most) > 0:
            oldest = [visit.id for visit in found if visit.id not in kept][-over:]
            with database_errors():
                await self.collection.update_many({"_id": {"$in": oldest}}, {"$set": {"last_at": FORGOTTEN}})

    async def note(self, origin: str, at: datetime) -> None:
        """Moves the last visit."""
        change = {"$max": {"last_at": at}, "$setOnInsert": {"first_at": at}}
        with database_errors():
            await self.collection.update_one({"_id": origin}, change, upsert=True)

    async def newest(self, *, limit: int) -> list[SiteVisit]:
        return await self.find({"last_at": {"$gt": FORGOTTEN}}, sort=[("last_at", -1)], limit=limit)
