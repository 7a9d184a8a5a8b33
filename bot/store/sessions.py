"""Sessions of teammates."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING, IndexModel

from bot.model.teammate import Session
from bot.store.repository import Repository


class SessionRepository(Repository[Session]):
    name = "sessions"
    model = Session
    indexes = (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)

    async def end(self, id: str, at: datetime) -> None:
        """Ends it now; the document expires."""
        await self.update({"_id": id}, {"$set": {"ended_at": at, "expires_at": at}})
