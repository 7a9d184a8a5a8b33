"""Keyword programs and their history: a change and its history entry are stored together, or neither is."""

from __future__ import annotations

from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel

from bot.model.keyword_program import KeywordProgram, KeywordProgramVersion
from bot.store.numbered_log import NumberedLog
from bot.store.repository import Repository
from bot.store.transaction import Session, transaction


class KeywordProgramVersionRepository(NumberedLog[KeywordProgramVersion]):
    """The history of each program: append-only."""

    name = "keyword_program_versions"
    model = KeywordProgramVersion
    owner = "keyword"
    indexes = (IndexModel([("key", ASCENDING)]),)


class KeywordProgramRepository(Repository[KeywordProgram]):
    name = "keyword_programs"
    model = KeywordProgram
    indexes = (IndexModel([("subscription", ASCENDING), ("updated_at", ASCENDING)]),)

    def __init__(
        self, database: AsyncIOMotorDatabase[dict[str, Any]], versions: KeywordProgramVersionRepository
    ) -> None:
        super().__init__(database)
        self._database, self._versions = database, versions

    async def all(self, *, limit: int) -> list[KeywordProgram]:
        """Sorted by keyword."""
        return await self.page("", limit=limit)

    async def of_subscription(self, subscription: str, *, limit: int) -> list[KeywordProgram]:
        """The one that changed last comes first."""
        order = [("subscription", -1), ("updated_at", -1)]
        return await self.find({"subscription": subscription}, sort=order, limit=limit)

    async def save(self, entry: KeywordProgramVersion) -> bool:
        """Stores the program of a history entry, with the entry. False: another writer made this version. Raises
        Duplicate if a new program's keyword is taken."""
        after = entry.after.stored()

        async def work(session: Session) -> bool:
            if entry.seq == 1:
                await self.collection.insert_one(after, session=session)
            else:
                match = {"_id": entry.keyword, "version": entry.seq - 1}
                done = await self.collection.update_one(match, {"$set": after}, session=session)
                if not done.matched_count:
                    return False
            await self._versions.collection.insert_one(entry.stored(), session=session)
            return True

        return await transaction(self._database, work)
