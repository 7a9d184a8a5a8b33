"""Members of the segments that flows wait for. Who left expires later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pymongo import ASCENDING, IndexModel

from bot.model.base import now
from bot.model.segment_member import SegmentMember, SegmentWatch
from bot.store.driver import READ_MS, database_errors
from bot.store.repository import Repository

KEPT_SECONDS = 86_400
PRESENT = {"left_at": {"$exists": False}}


class SegmentWatchRepository(Repository[SegmentWatch]):
    name = "segment_watches"
    model = SegmentWatch
    indexes = (IndexModel([("ended_at", ASCENDING)], expireAfterSeconds=KEPT_SECONDS),)

    async def all(self, *, limit: int = 1000) -> list[SegmentWatch]:
        return await self.find({"ended_at": {"$exists": False}}, limit=limit)

    async def save(self, watch: SegmentWatch) -> None:
        change = {"$set": watch.stored(), "$unset": {"ended_at": ""}}
        with database_errors():
            await self.collection.update_one({"_id": watch.id}, change, upsert=True)

    async def end(self, segment: str) -> None:
        await self.update({"_id": segment}, {"$set": {"ended_at": now()}})


class SegmentMemberRepository(Repository[SegmentMember]):
    name = "segment_members"
    model = SegmentMember
    indexes = (
        IndexModel([("segment", ASCENDING), ("round", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("contact", ASCENDING)]),
        IndexModel([("due", ASCENDING)], partialFilterExpression={"due": {"$exists": True}}),
        IndexModel([("left_at", ASCENDING)], expireAfterSeconds=KEPT_SECONDS),
    )

    async def of_watch(self, watch: SegmentWatch, after: str, *, limit: int) -> list[SegmentMember]:
        """The next ones, in order of their ids."""
        match = {"segment": watch.id, "round": watch.round, "_id": {"$gt": after}, **PRESENT}
        return await self.find(match, sort=[("segment", 1), ("round", 1), ("_id", 1)], limit=limit)

    async def present(self, ids: Iterable[str]) -> set[str]:
        """Those of these who are members."""
        wanted = [*ids]
        cursor = self.collection.find({"_id": {"$in": wanted}, **PRESENT}, {"_id": 1}, max_time_ms=READ_MS)
        with database_errors():
            return {raw["_id"] for raw in await cursor.to_list(len(wanted) or 1)}

    async def enter(self, members: Sequence[SegmentMember]) -> None:
        """Notes these, unless they are members already."""
        if not members:
            return
        back = [
            (
                {"_id": member.id, "left_at": {"$exists": True}},
                {"$set": member.stored(), "$unset": {"left_at": "", "is_expected": ""}},
            )
            for member in members
        ]
        await self.update_many(back)
        await self.insert_many(members)

    async def due(self, time: datetime, *, limit: int = 500) -> list[SegmentMember]:
        """Those whose entry is still to be handled."""
        return await self.find({"due": {"$lte": time}}, sort=[("due", 1)], limit=limit)

    async def expected(self, contact: str) -> list[SegmentMember]:
        """The entries after which a flow starts when this contact visits the site."""
        return await self.find({"contact": contact, "is_expected": True}, limit=100)

    async def handled(self, member: str, *, is_expected: bool = False) -> None:
        """`is_expected`: as far as this is possible before their next visit."""
        if is_expected:
            await self.update({"_id": member, **PRESENT}, {"$set": {"is_expected": True}, "$unset": {"due": ""}})
        else:
            await self.update({"_id": member}, {"$unset": {"due": "", "is_expected": ""}})

    async def leave(self, members: Sequence[str]) -> None:
        """Those who no longer match: coming to match again is another entry."""
        if members:
            await self._leave({"_id": {"$in": [*members]}})

    async def forget(self, segment: str, *, but: Sequence[str] = ()) -> None:
        """The members of a segment, except in these rounds."""
        await self._leave({"segment": segment, "round": {"$nin": [*but]}})

    async def _leave(self, match: dict[str, object]) -> None:
        change = {"$set": {"left_at": now()}, "$unset": {"due": "", "is_expected": ""}}
        with database_errors():
            await self.collection.update_many({**match, **PRESENT}, change)
