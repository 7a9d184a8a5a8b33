"""API tokens of teammates."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.teammate import ApiToken
from bot.store.driver import database_errors
from bot.store.repository import Repository


class ApiTokenRepository(Repository[ApiToken]):
    name = "api_tokens"
    model = ApiToken
    indexes = (IndexModel([("teammate", ASCENDING)]), IndexModel([("created_at", DESCENDING)]))

    async def newest(self, *, limit: int) -> list[ApiToken]:
        return await self.find({}, sort=[("created_at", -1)], limit=limit)

    async def revoke_all(self, teammate: str, at: datetime) -> None:
        with database_errors():
            await self.collection.update_many(
                {"teammate": teammate, "revoked_at": {"$exists": False}}, {"$set": {"revoked_at": at}}
            )
