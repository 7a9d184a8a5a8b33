"""Saved replies."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING, IndexModel

from bot.model.saved_reply import SavedReply
from bot.store.repository import Repository


class SavedReplyRepository(Repository[SavedReply]):
    name = "saved_replies"
    model = SavedReply
    indexes = (
        IndexModel([("name_key", ASCENDING)], unique=True, partialFilterExpression={"name_key": {"$exists": True}}),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    )

    async def by_name(self, *, limit: int) -> list[SavedReply]:
        """In the order of their names."""
        return await self.find({"name_key": {"$gt": ""}}, sort=[("name_key", 1)], limit=limit)

    async def expire(self, id: str, at: datetime) -> None:
        """Removes it from all lists and frees its name. The database deletes it later."""
        await self.update({"_id": id}, {"$set": {"expires_at": at}, "$unset": {"name_key": ""}})
