"""Links to the preference center."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from bot.model.base import now
from bot.model.link import PreferenceLink
from bot.store.answering import answering
from bot.store.table import Table


class PreferenceLinks(Table[PreferenceLink]):
    name = "preference_links"
    model = PreferenceLink
    indexes = (
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        IndexModel([("contact", ASCENDING)]),
    )

    async def revoke_all(self, contact: str) -> None:
        with answering():
            await self.collection.update_many({"contact": contact}, {"$set": {"revoked_at": now()}})
