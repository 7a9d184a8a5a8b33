"""Links to the preference center."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from bot.model.base import now
from bot.model.preference_link import PreferenceLink
from bot.store.driver import database_errors
from bot.store.repository import Repository


class PreferenceLinkRepository(Repository[PreferenceLink]):
    name = "preference_links"
    model = PreferenceLink
    indexes = (
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        IndexModel([("contact", ASCENDING)]),
    )

    async def revoke_all(self, contact: str) -> None:
        with database_errors():
            await self.collection.update_many({"contact": contact}, {"$set": {"revoked_at": now()}})
