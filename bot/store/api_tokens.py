"""API tokens of teammates."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING, IndexModel

from bot.model.teammate import ApiToken
from bot.store.answering import answering
from bot.store.table import Table


class ApiTokens(Table[ApiToken]):
    name = "api_tokens"
    model = ApiToken
    indexes = (IndexModel([("teammate", ASCENDING)]),)

    async def revoke_all(self, teammate: str, at: datetime) -> None:
        with answering():
            await self.collection.update_many(
                {"teammate": teammate, "revoked_at": {"$exists": False}}, {"$set": {"revoked_at": at}}
            )
