"""Passkeys of teammates, and the challenges that their authenticators sign."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel, ReturnDocument

from bot.model.teammate import Passkey, PasskeyChallenge
from bot.store.driver import database_errors
from bot.store.repository import Repository
from bot.store.transaction import Session, transaction

PRESENT = {"removed_at": {"$exists": False}}
NONE_LEFT = {"$set": {"has_passkey": False}, "$unset": {"recovery_codes": ""}}


class Removal(StrEnum):
    DONE = "done"
    UNKNOWN = "unknown"
    """There is no such passkey."""
    IS_LAST = "is_last"
    """It is the only one, and one is required: nothing was removed."""


class PasskeyRepository(Repository[Passkey]):
    """Passkeys and `Teammate.has_passkey` change together, and each change writes to the teammate: so of two changes at
    once, one sees what the other did. With `has_passkey` and no passkey, nobody could sign in."""

    name = "passkeys"
    model = Passkey
    indexes = (IndexModel([("teammate", ASCENDING), ("created_at", ASCENDING)]),)

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._database = database
        self._teammates = database.get_collection("teammates")

    async def of(self, teammate: str, *, limit: int = 50) -> list[Passkey]:
        return await self.find(
            {"teammate": teammate, **PRESENT}, sort=[("teammate", 1), ("created_at", 1)], limit=limit
        )

    async def add(self, passkey: Passkey) -> bool | None:
        """Whether it is the teammate's first one. None: they were removed. Raises Duplicate."""

        async def work(session: Session) -> bool | None:
            match, change = {"_id": passkey.teammate, **PRESENT}, {"$set": {"has_passkey": True}}
            before = await self._change(match, change, session)
            if before is None:
                return None
            await self.collection.insert_one(passkey.stored(), session=session)
            return not before.get("has_passkey")

        return await transaction(self._database, work)

    async def remove(self, teammate: str, id: str, at: datetime, *, keeps_one: bool) -> Removal:
        """Removing the last one also removes the recovery codes. `keeps_one`: the last one can't be removed."""

        async def work(session: Session) -> Removal:
            await self._change({"_id": teammate}, {}, session)
            found = await self.collection.find({"teammate": teammate, **PRESENT}, {"_id": 1}, session=session).to_list(
                None
            )
            left = [key["_id"] for key in found if key["_id"] != id]
            if len(left) == len(found):
                return Removal.UNKNOWN
            if not left and keeps_one:
                return Removal.IS_LAST
            await self.collection.update_one({"_id": id}, {"$set": {"removed_at": at}}, session=session)
            if not left:
                await self._change({"_id": teammate}, NONE_LEFT, session)
            return Removal.DONE

        return await transaction(self._database, work)

    async def remove_all(self, teammate: str, at: datetime) -> None:
        async def work(session: Session) -> None:
            await self._change({"_id": teammate}, NONE_LEFT, session)
            match = {"teammate": teammate, **PRESENT}
            await self.collection.update_many(match, {"$set": {"removed_at": at}}, session=session)

        await transaction(self._database, work)

    async def _change(self, match: dict[str, Any], change: dict[str, Any], session: Session) -> dict[str, Any] | None:
        """Returns the teammate as it was. Also increments a counter: an update that changes nothing would not conflict
        with a concurrent one."""
        change = {**change, "$inc": {"passkey_changes": 1}}
        found: dict[str, Any] | None = await self._teammates.find_one_and_update(match, change, session=session)
        return found


class PasskeyChallengeRepository(Repository[PasskeyChallenge]):
    name = "passkey_challenges"
    model = PasskeyChallenge
    indexes = (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)

    async def use(self, id: str, at: datetime) -> PasskeyChallenge | None:
        """Redeems it, once. None: it was used, or it expired."""
        match = {"_id": id, "expires_at": {"$gt": at}, "used_at": {"$exists": False}}
        with database_errors():
            found = await self.collection.find_one_and_update(
                match, {"$set": {"used_at": at}}, return_document=ReturnDocument.AFTER
            )
        return None if found is None else PasskeyChallenge.load(found)
