"""Members of the segments that flows wait for. Who left expires later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel

from bot.model.base import now
from bot.model.segment_member import SegmentMember, SegmentWatch
from bot.store.driver import READ_MS, database_errors
from bot.store.repository import Repository

KEPT_SECONDS = 86_400
PRESENT = {"left_at": {"$exists": False}}
BY_ROUND = [("segment", ASCENDING), ("round", ASCENDING), ("_id", ASCENDING)]
ENTRY = ("entry", "due", "entries", "counted_from", "tries", "is_expected")
FORGOTTEN = ""
"""The round of members of no round: they only expire."""
DAY = timedelta(days=1)


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
        IndexModel(BY_ROUND),
        IndexModel([("contact", ASCENDING)]),
        IndexModel([("due", ASCENDING)], partialFilterExpression={"due": {"$exists": True}}),
        IndexModel([("left_at", ASCENDING)], expireAfterSeconds=KEPT_SECONDS),
    )

    async def of_watch(self, watch: SegmentWatch, after: str, *, limit: int) -> list[SegmentMember]:
        """The next ones, in order of their ids."""
        match = {"segment": watch.id, "round": watch.round, "_id": {"$gt": after}, **PRESENT}
        return await self.find(match, sort=BY_ROUND, limit=limit)

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
        await self.update_many([({"_id": m.id, "left_at": {"$exists": True}}, _again(m)) for m in members])
        await self.insert_many(members)

    async def due(self, time: datetime, *, limit: int = 500) -> list[SegmentMember]:
        """Those whose entry is still to be handled."""
        return await self.find({"due": {"$lte": time}}, sort=[("due", 1)], limit=limit)

    async def expected(self, contact: str) -> list[SegmentMember]:
        """The entries after which a flow starts when this contact visits the site."""
        return await self.find({"contact": contact, "is_expected": True}, limit=100)

    async def handled(self, member: SegmentMember, *, is_expected: bool = False) -> None:
        """Unless they have entered again since. `is_expected`: as far as this is possible before their next visit."""
        entry = {"_id": member.id, "entry": member.entry}
        if is_expected:
            await self.update({**entry, **PRESENT}, {"$set": {"is_expected": True}, "$unset": {"due": ""}})
        else:
            await self.update(entry, {"$unset": {"due": "", "is_expected": ""}})

    async def put_off(self, member: SegmentMember, due: datetime) -> None:
        """Their flow could not start: it is tried again then."""
        match = {"_id": member.id, "entry": member.entry, "due": {"$exists": True}}
        await self.update(match, {"$set": {"due": due}, "$inc": {"tries": 1}})

    async def leave(self, members: Sequence[str]) -> None:
        """Those who no longer match: coming to match again is another entry."""
        if members:
            await self._leave({"_id": {"$in": [*members]}, **PRESENT})

    async def unhandled(self, watch: SegmentWatch, contacts: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What is known, by contact, of their entries in earlier rounds that are still to be handled."""
        of = {"contact": {"$in": [*contacts]}, "segment": watch.id, "round": {"$ne": watch.round}}
        waits = {"$or": [{"due": {"$exists": True}}, {"is_expected": True}]}
        found = await self.find({**of, **waits}, limit=2 * len(contacts), hint="contact_1")
        return {member.contact: {name: getattr(member, name) for name in ENTRY} for member in found}

    async def forget(self, segment: str, *, but: str = "", limit: int = 500) -> bool:
        """Forgets some members of other rounds than `but`. Returns whether there may be more."""
        match = {"segment": segment, "round": {"$nin": [FORGOTTEN, but]}}
        cursor = self.collection.find(match, {"_id": 1}, limit=limit, hint=BY_ROUND, max_time_ms=READ_MS)
        with database_errors():
            ids = [raw["_id"] for raw in await cursor.to_list(limit)]
        await self._leave({"_id": {"$in": ids}}, round=FORGOTTEN)
        return len(ids) == limit

    async def _leave(self, match: Mapping[str, Any], **values: str) -> None:
        change = {"$set": {"left_at": now(), **values}, "$unset": {"due": "", "is_expected": ""}}
        with database_errors():
            await self.collection.update_many(match, change)


def _again(member: SegmentMember) -> list[dict[str, Any]]:
    """The update of a member who had left and is back. Entries are counted over a day."""
    values = {name: {"$literal": value} for name, value in member.stored().items()}
    if member.counted_from:
        is_recent = {"$gt": ["$counted_from", member.counted_from - DAY]}
        values["entries"] = {"$cond": [is_recent, {"$add": ["$entries", member.entries]}, member.entries]}
        values["counted_from"] = {"$cond": [is_recent, "$counted_from", member.counted_from]}
    return [{"$unset": ["left_at", "is_expected"]}, {"$set": values}]
