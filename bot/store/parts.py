"""The entries of conversations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel

from bot.aio.batching import Batcher
from bot.model.conversation import SHOWN_TO_CONTACT, AuthorKind, Part
from bot.store.driver import READ_MS, database_errors
from bot.store.numbered_log import NumberedLog
from bot.store.repository import beginning


class PartRepository(NumberedLog[Part]):
    name = "parts"
    model = Part
    owner = "conversation"
    indexes = (
        IndexModel([("key", ASCENDING)]),
        IndexModel([("follow_up", ASCENDING)], partialFilterExpression={"follow_up": {"$exists": True}}),
        IndexModel([("words", ASCENDING)], partialFilterExpression={"words": {"$exists": True}}),
    )

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._after: Batcher[tuple[str, int, int], list[Part]] = Batcher(self._after_round)

    async def after(self, owner: str, seq: int, *, limit: int) -> list[Part]:
        """The entries that follow `seq`, in order: one query for all who ask at the same time."""
        return await self._after((owner, seq, limit))

    async def _after_round(self, wanted: list[tuple[str, int, int]]) -> list[list[Part]]:
        # Sequences have no gaps, so a range of sequences holds no more than it may. The database does not sort:
        # it might choose to walk all entries in their order.
        ranges = [self._range(owner, first=seq + 1, last=seq + limit) for owner, seq, limit in wanted]
        of_owner: defaultdict[str, list[Part]] = defaultdict(list)
        match = {"$or": ranges} if len(ranges) > 1 else ranges[0]
        for part in await self.find(match, limit=sum(limit for _, _, limit in wanted)):
            of_owner[part.conversation].append(part)
        return [
            sorted((p for p in of_owner[owner] if seq < p.seq <= seq + limit), key=lambda part: part.seq)
            for owner, seq, limit in wanted
        ]

    async def due(self, before: datetime, *, limit: int = 500) -> list[Part]:
        """Entries whose consequence a crash left undone."""
        return await self.find({"follow_up": {"$lt": before}}, sort=[("follow_up", 1)], limit=limit)

    async def saying(self, words: Sequence[str], *, limit: int) -> list[Part]:
        """Entries with words that begin so; words as `folded_words` makes them. Some, where there are more."""
        return await self.find(beginning("words", words), limit=limit) if words else []

    async def shown_for(self, conversation: str, before: int | None, *, limit: int) -> list[Part]:
        """The newest entries before `before` that are for the contact, in order.

        What is between teammates is passed over here, so that a page of notes hides no message.
        """
        match = self._range(conversation, last=None if before is None else before - 1)
        match |= {
            "$nor": [{"content.kind": "note"}, {"content.kind": "event", "content.name": {"$nin": [*SHOWN_TO_CONTACT]}}]
        }
        return (await self.find(match, sort=[("_id", -1)], limit=limit))[::-1]

    async def opened(self, part: Part, at: datetime) -> None:
        """The contact put the cursor into this card."""
        match = {"_id": part.id, "content.opened_at": {"$exists": False}}
        await self.update(match, {"$set": {"content.opened_at": at}})

    async def tried(self, part: Part, problem: str) -> None:
        await self.update({"_id": part.id}, {"$inc": {"content.tries": 1}, "$set": {"content.problem": problem}})

    async def unread(self, seen: Mapping[str, int], *, most: int = 99) -> dict[str, int]:
        """By conversation, the entries after the one that was seen last and that others wrote, in one query.

        Of one conversation no more than `most` are counted.
        """
        if not seen:
            return {}
        mine = {"author.kind": {"$ne": AuthorKind.CONTACT}, "content.kind": {"$nin": ["event", "note"]}}
        branches: list[list[dict[str, Any]]] = [
            [
                {"$match": self._range(conversation, first=last + 1)},
                {"$match": mine},
                {"$limit": most},
                {"$project": {"conversation": 1}},
            ]
            for conversation, last in seen.items()
        ]
        union = [{"$unionWith": {"coll": self.name, "pipeline": branch}} for branch in branches[1:]]
        pipeline = [*branches[0], *union, {"$group": {"_id": "$conversation", "count": {"$sum": 1}}}]
        with database_errors():
            found = await self.collection.aggregate(pipeline, maxTimeMS=READ_MS).to_list(len(seen))
        return {raw["_id"]: raw["count"] for raw in found}
