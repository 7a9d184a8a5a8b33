"""The entries of conversations, including those stored inside their conversation."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel

from bot.aio.batching import Batcher
from bot.model.conversation import AuthorKind, Conversation, Part
from bot.model.conversation_event import SHOWN_TO_CONTACT
from bot.store.driver import READ_MS, database_errors
from bot.store.numbered_log import NumberedLog
from bot.store.opening_entries import OpeningEntries
from bot.store.repository import beginning

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CardChange:
    """Fields of a card to set and counters to increase, if the card matches `only`."""

    part: str
    set: Mapping[str, Any]
    add: Mapping[str, int] = field(default_factory=dict)
    only: Mapping[str, Any] = field(default_factory=dict)

    def update(self, match: Raw, path: str) -> tuple[Raw, Raw]:
        named = [{f"{path}.{name}": value for name, value in of.items()} for of in (self.only, self.set, self.add)]
        return {**match, **named[0]}, {"$set": named[1], **({"$inc": named[2]} if self.add else {})}


class PartRepository(NumberedLog[Part]):
    name = "parts"
    model = Part
    owner = "conversation"
    indexes = (
        IndexModel([("key", ASCENDING)]),
        IndexModel([("follow_up", ASCENDING)], partialFilterExpression={"follow_up": {"$exists": True}}),
        IndexModel([("words", ASCENDING)], partialFilterExpression={"words": {"$exists": True}}),
    )

    def __init__(self, database: AsyncIOMotorDatabase[Raw], openings: OpeningEntries) -> None:
        super().__init__(database)
        self._openings = openings
        self._conversations = openings.conversations
        self._after: Batcher[tuple[str, int, int], list[Part]] = Batcher(self._after_round)

    async def get_many(self, ids: Iterable[str]) -> dict[str, Part]:
        wanted = list(dict.fromkeys(ids))
        found = await super().get_many(wanted)
        missing = [place for id in wanted if id not in found and self._openings.may_have(place := split(id))]
        if missing:
            openings = await self._openings.of_many(conversation for conversation, _ in missing)
            found |= {p.id: p for parts in openings.values() for p in parts if (p.conversation, p.seq) in missing}
        return found

    async def after(self, owner: str, seq: int, *, limit: int) -> list[Part]:
        """The entries that follow `seq`, in order. Concurrent callers share one query."""
        found = await self._after((owner, seq, limit))
        if (found and found[0].seq == seq + 1) or not self._openings.may_have((owner, seq + 1)):
            return found
        return [*(part for part in await self._openings.of(owner) if part.seq > seq), *found][:limit]

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

    async def before(self, owner: str, seq: int | None, *, limit: int) -> list[Part]:
        found = await super().before(owner, seq, limit=limit)
        return await self._with_opening(owner, seq, found, limit)

    async def by_keys(
        self, keys: Sequence[tuple[str, str]], *, known: Mapping[str, Conversation] | None = None
    ) -> dict[str, Part]:
        """`known`: these conversations, where they were read already."""
        found = await super().by_keys(keys)
        missing = {key: conversation for conversation, key in keys if key not in found}
        if known is None:
            openings = await self._openings.of_many(missing.values())
        else:
            openings = {id: known[id].opening_parts for id in missing.values() if id in known}
        return found | {part.key: part for parts in openings.values() for part in parts if part.key in missing}

    async def _with_opening(self, conversation: str, before: int | None, found: list[Part], limit: int) -> list[Part]:
        """`found` are the newest parts before `before`: preceded by what there is of opening entries."""
        first = found[0].seq if found else before
        if len(found) >= limit or first == 1 or not self._openings.may_have((conversation, 1)):
            return found
        opening = [part for part in await self._openings.of(conversation) if first is None or part.seq < first]
        return [*opening, *found][-limit:]

    async def due(self, before: datetime, *, limit: int = 500) -> list[Part]:
        """Entries that a crash left marked for follow-up."""
        return await self.find({"follow_up": {"$lt": before}}, sort=[("follow_up", 1)], limit=limit)

    async def saying(self, words: Sequence[str], *, limit: int) -> list[Part]:
        """Entries with words that start with these (as from `folded_words`), up to a limit."""
        return await self.find(beginning("words", words), limit=limit) if words else []

    async def shown_for(self, conversation: str, before: int | None, *, limit: int) -> list[Part]:
        """The newest entries before `before` that are for the contact, in order.

        Skips teammates' entries in the query, so that a page of notes hides no message.
        """
        match = self._range(conversation, last=None if before is None else before - 1)
        match |= {
            "$nor": [{"content.kind": "note"}, {"content.kind": "event", "content.name": {"$nin": [*SHOWN_TO_CONTACT]}}]
        }
        found = (await self.find(match, sort=[("_id", -1)], limit=limit))[::-1]
        return await self._with_opening(conversation, before, found, limit)

    async def change_cards(self, changes: Sequence[CardChange]) -> None:
        """In at most two concurrent round trips, wherever the cards are stored."""
        counts = await self._openings.counts(split(change.part)[0] for change in changes)
        in_parts, in_openings = [], []
        for change in changes:
            conversation, seq = split(change.part)
            if seq > counts[conversation]:
                in_parts.append(change.update({"_id": change.part}, "content"))
            else:
                path = f"opening.{seq - 1}.content"
                in_openings.append(change.update({"_id": conversation, f"{path}.kind": "card"}, path))
        await asyncio.gather(self.update_many(in_parts), self._conversations.update_many(in_openings))

    async def opened(self, part: Part, at: datetime) -> None:
        """The contact focused a field of this card."""
        await self.change_cards([CardChange(part.id, {"opened_at": at}, only={"opened_at": {"$exists": False}})])

    async def shown(self, part: Part, at: datetime) -> None:
        """A program showed this card once more."""
        await self.change_cards([CardChange(part.id, {"shown_at": at})])

    async def tried(self, part: Part, problem: str) -> None:
        await self.change_cards([CardChange(part.id, {"problem": problem}, {"tries": 1})])

    async def unread(self, conversations: Iterable[Conversation], *, most: int = 99) -> dict[str, int]:
        """By conversation, the number of entries by others after the last one seen, at most `most`, in one query."""
        behind = [c for c in conversations if c.seen < c.last]
        if not behind:
            return {}
        counts = await self._count_unread({c.id: max(c.seen, len(c.opening)) for c in behind}, most)
        for c in behind:
            new = sum(_is_message_for_contact(part) for part in c.opening_parts[c.seen :])
            counts[c.id] = min(counts.get(c.id, 0) + new, most)
        return counts

    async def _count_unread(self, seen: Mapping[str, int], most: int) -> dict[str, int]:
        mine = {"author.kind": {"$ne": AuthorKind.CONTACT}, "content.kind": {"$nin": ["event", "note"]}}
        branches: list[list[Raw]] = [
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


def split(id: str) -> tuple[str, int]:
    """Conversation and sequence of a part's id."""
    conversation, _, seq = id.rpartition(":")
    return conversation, int(seq) if seq.isdecimal() else 0


def _is_message_for_contact(part: Part) -> bool:
    return part.author.kind is not AuthorKind.CONTACT and part.content.kind not in {"event", "note"}
