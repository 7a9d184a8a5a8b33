"""Passkeys of teammates, and the challenges that their authenticators sign."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING, IndexModel, ReturnDocument

from bot.model.teammate import Passkey, PasskeyChallenge
from bot.store.driver import database_errors
from bot.store.repository import Repository


class PasskeyRepository(Repository[Passkey]):
    name = "passkeys"
    model = Passkey
    indexes = (IndexModel([("teammate", ASCENDING), ("created_at", ASCENDING)]),)

    async def of(self, teammate: str, *, limit: int = 50) -> list[Passkey]:
        match = {"teammate": teammate, "removed_at": {"$exists": False}}
        return await self.find(match, sort=[("teammate", 1), ("created_at", 1)], limit=limit)

    async def remove(self, teammate: str, id: str, at: datetime) -> bool:
        """False: there is no such passkey."""
        match = {"_id": id, "teammate": teammate, "removed_at": {"$exists": False}}
        with database_errors():
            return bool((await self.collection.update_one(match, {"$set": {"removed_at": at}})).matched_count)

    async def remove_all(self, teammate: str, at: datetime) -> None:
        match = {"teammate": teammate, "removed_at": {"$exists": False}}
        with database_errors():
            await self.collection.update_many(match, {"$set": {"removed_at": at}})


class PasskeyChallengeRepository(Repository[PasskeyChallenge]):
    name = "passkey_challenges"
    model = PasskeyChallenge
    indexes = (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)

    async def use(self, id: str, at: datetime) -> PasskeyChallenge | None:
        """Takes it, once. None: it was used, or it expired."""
        match = {"_id": id, "expires_at": {"$gt": at}, "used_at": {"$exists": False}}
        with database_errors():
            found = await self.collection.find_one_and_update(
                match, {"$set": {"used_at": at}}, return_document=ReturnDocument.AFTER
            )
        return None if found is None else PasskeyChallenge.load(found)
