"""API tokens of teammates."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.teammate import ApiToken
from bot.store.driver import database_errors
from bot.store.recent import RecentRepository


class ApiTokenRepository(RecentRepository[ApiToken]):
    name = "api_tokens"
    model = ApiToken
    indexes = (IndexModel([("teammate", ASCENDING)]), IndexModel([("created_at", DESCENDING)]))

    async def newest(self, *, limit: int) -> list[ApiToken]:
        return await self.find({}, sort=[("created_at", -1)], limit=limit)

    async def names(self, beginnings: Collection[str]) -> dict[str, str]:
        """By the first characters of a token's id, its name; also of revoked ones."""
        wanted = [re.compile(f"^{re.escape(beginning)}") for beginning in beginnings]
        found = await self.find({"_id": {"$in": wanted}}, limit=len(wanted)) if wanted else []
        return {beginning: token.name for beginning in beginnings for token in found if token.id.startswith(beginning)}

    async def revoke_all(self, teammate: str, at: datetime) -> None:
        try:
            with database_errors():
                await self.collection.update_many(
                    {"teammate": teammate, "revoked_at": {"$exists": False}}, {"$set": {"revoked_at": at}}
                )
        finally:
            self.recent.cache_clear()
