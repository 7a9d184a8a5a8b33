"""Links to join and to set a password."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel

from bot.model.teammate import AccountLink, LinkPurpose
from bot.store.driver import database_errors
from bot.store.repository import Repository


class AccountLinkRepository(Repository[AccountLink]):
    name = "account_links"
    model = AccountLink
    indexes = (
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        IndexModel([("purpose", ASCENDING), ("email", ASCENDING)]),
    )

    async def unused(
        self, purpose: LinkPurpose, at: datetime, *, email: str = "", limit: int = 200
    ) -> list[AccountLink]:
        """Those that still work, in order of their emails."""
        match = {"purpose": purpose, "email": email or {"$gt": ""}, "used_at": {"$exists": False}}
        found = await self.find(match, sort=[("purpose", 1), ("email", 1)], limit=limit)
        return [link for link in found if link.expires_at > at]

    async def use(self, id: str, at: datetime) -> bool:
        """Redeems it, once. False: it was used or revoked."""
        with database_errors():
            match = {"_id": id, "used_at": {"$exists": False}}
            return bool((await self.collection.update_one(match, {"$set": {"used_at": at}})).matched_count)

    async def give_back(self, id: str) -> None:
        await self.update({"_id": id}, {"$unset": {"used_at": ""}})

    async def revoke(self, id: str, at: datetime) -> bool:
        """Also while somebody is using it, who may give it back. False: it was used or revoked before."""
        with database_errors():
            before = await self.collection.find_one_and_update({"_id": id}, _revoked(at))
        return before is not None and "used_at" not in before

    async def revoke_all(self, purpose: LinkPurpose, email: str, at: datetime) -> None:
        with database_errors():
            await self.collection.update_many({"purpose": purpose, "email": email}, _revoked(at))


def _revoked(at: datetime) -> dict[str, Any]:
    return {"$set": {"used_at": at, "expires_at": at}}
