"""Teammates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel

from bot.model.teammate import Teammate, TeammateRole
from bot.store.driver import database_errors
from bot.store.recent import RecentRepository
from bot.store.transaction import Session, transaction

PRESENT: dict[str, Any] = {"email": {"$gt": ""}, "removed_at": {"$exists": False}}
"""Teammates who are not removed, by the index of their emails."""


class TeammateRepository(RecentRepository[Teammate]):
    name = "teammates"
    model = Teammate
    indexes = (IndexModel([("email", ASCENDING)], unique=True),)

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._database = database

    async def by_email(self, email: str) -> Teammate | None:
        return await self.find_one({"email": email})

    async def present(self, *, limit: int) -> list[Teammate]:
        """Those who are not removed, sorted by email."""
        return await self.find(PRESENT, sort=[("email", 1)], limit=limit)

    async def take_code(self, id: str, code: str) -> bool:
        """Takes a recovery code, once. False: it was used."""
        with database_errors():
            change = {"$pull": {"recovery_codes": code}}
            return bool((await self.collection.update_one({"_id": id, "recovery_codes": code}, change)).matched_count)

    async def change_admin(self, id: str, change: Mapping[str, Any]) -> bool:
        """Makes a change that leaves the workspace with one admin less. False: this is the last one.

        It also writes to an admin who stays, so that of two such changes at once, one sees what the other did.
        """

        async def work(session: Session) -> bool:
            others = {**PRESENT, "role": TeammateRole.ADMIN, "_id": {"$ne": id}}
            stays = await self.collection.find_one(others, {"_id": 1}, session=session)
            if stays is None:
                return False
            await self.collection.update_one({"_id": stays["_id"]}, {"$inc": {"admin_changes": 1}}, session=session)
            await self.collection.update_one({"_id": id}, change, session=session)
            return True

        try:
            return await transaction(self._database, work)
        finally:
            self.recent.cache_clear()
