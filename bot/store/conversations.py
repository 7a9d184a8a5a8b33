"""Conversations, their entries, and what is of the moment in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.conversation import TOLD, AuthorKind, Channel, Conversation, ConversationState, Part, Signal
from bot.store.answering import READ_MS, answering
from bot.store.projecting import projection
from bot.store.table import Line, Table, beginning

LIVES = timedelta(minutes=1)
"""How long a signal is kept."""
_BEGUN = {"partialFilterExpression": {"begun": True}}


class Conversations(Table[Conversation]):
    name = "conversations"
    model = Conversation
    indexes = (
        IndexModel([("contact", ASCENDING), ("updated_at", DESCENDING)]),
        IndexModel([("state", ASCENDING), ("rank", DESCENDING), ("_id", DESCENDING)], **_BEGUN),
        IndexModel(
            [("assignee", ASCENDING), ("state", ASCENDING), ("rank", DESCENDING), ("_id", DESCENDING)], **_BEGUN
        ),
        IndexModel([("snoozed_until", ASCENDING)], partialFilterExpression={"snoozed_until": {"$exists": True}}),
    )

    async def of(self, contact: str, *, limit: int = 30) -> list[Conversation]:
        """A contact's chats, the newest first."""
        return await self.find(
            {"contact": contact, "channel": {"$ne": Channel.SMS}},
            sort=[("contact", 1), ("updated_at", -1)],
            limit=limit,
        )

    async def of_many(self, contacts: Sequence[str], *, limit: int) -> list[Conversation]:
        """Conversations of these contacts that are in the inbox."""
        return await self.find({"contact": {"$in": [*contacts]}, "begun": True}, limit=limit)

    async def touch(self, parts: Iterable[Part]) -> None:
        """Takes parts over into the figures of their conversations; doing it again, or late, changes nothing."""
        by_conversation: dict[str, list[Part]] = {}
        for part in parts:
            by_conversation.setdefault(part.conversation, []).append(part)
        await self.update_many([({"_id": id}, projection(mine)) for id, mine in by_conversation.items()])

    async def mark_seen(self, conversation: str, contact: str, seq: int) -> None:
        """By the contact."""
        await self.update({"_id": conversation, "contact": contact}, {"$max": {"seen": seq, "delivered": seq}})

    async def mark_delivered(self, conversation: str, seq: int) -> None:
        await self.update({"_id": conversation, "delivered": {"$not": {"$gte": seq}}}, {"$max": {"delivered": seq}})

    async def mark_team_seen(self, conversation: str, seq: int) -> None:
        """By a teammate: it is no longer ahead of the others once there is nothing new in it."""
        await self.update({"_id": conversation, "team_seen": {"$not": {"$gte": seq}}}, projection([], team_seen=seq))

    async def listed(
        self, state: ConversationState, assignee: str | None, *, before: tuple[datetime, str] | None, limit: int
    ) -> list[Conversation]:
        """The inbox from `before` on (rank and id of the last one shown). `assignee` None: anybody's."""
        match: dict[str, Any] = {"begun": True, "state": state}
        order = [("state", 1), ("rank", -1), ("_id", -1)]
        if assignee is not None:
            match["assignee"] = assignee
            order = [("assignee", 1), *order]
        if before:
            rank, id = before
            match["$or"] = [{"rank": {"$lt": rank}}, {"rank": rank, "_id": {"$lt": id}}]
        return await self.find(match, sort=order, limit=limit)

    async def count(self, state: ConversationState, assignee: str | None, *, unread_since: datetime, most: int) -> int:
        """Unread ones, no more than `most`."""
        match: dict[str, Any] = {"begun": True, "state": state, "rank": {"$gt": unread_since}}
        if assignee is not None:
            match["assignee"] = assignee
        with answering():
            return int(await self.collection.count_documents(match, limit=most, maxTimeMS=READ_MS))

    async def let_go(self, teammate: str) -> None:
        """Nobody's is what was theirs, however much it is: who is gone answers nothing."""
        with answering():
            await self.collection.update_many({"begun": True, "assignee": teammate}, {"$set": {"assignee": ""}})

    async def due(self, before: datetime, *, limit: int = 500) -> list[Conversation]:
        """Snoozed ones whose time is over."""
        match = {"snoozed_until": {"$lte": before}}
        return await self.find(match, sort=[("snoozed_until", 1)], limit=limit)


class Parts(Line[Part]):
    name = "parts"
    model = Part
    owner = "conversation"
    indexes = (
        IndexModel([("key", ASCENDING)]),
        IndexModel([("follow_up", ASCENDING)], partialFilterExpression={"follow_up": {"$exists": True}}),
        IndexModel([("words", ASCENDING)], partialFilterExpression={"words": {"$exists": True}}),
    )

    async def due(self, before: datetime, *, limit: int = 500) -> list[Part]:
        """Completed cards, and answers by text, whose consequences a crash left undone."""
        return await self.find({"follow_up": {"$lt": before}}, sort=[("follow_up", 1)], limit=limit)

    async def saying(self, words: Sequence[str], *, limit: int) -> list[Part]:
        """Entries with words that begin so; words as `folded_words` makes them. Some, where there are more."""
        return await self.find(beginning("words", words), limit=limit) if words else []

    async def shown_for(self, conversation: str, before: int | None, *, limit: int) -> list[Part]:
        """The newest entries before `before` that are for the contact, in order.

        What is between teammates is passed over here, so that a page of notes hides no message.
        """
        match = self._range(conversation, last=None if before is None else before - 1)
        match |= {"$nor": [{"content.kind": "note"}, {"content.kind": "event", "content.name": {"$nin": [*TOLD]}}]}
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
        with answering():
            found = await self.collection.aggregate(pipeline, maxTimeMS=READ_MS).to_list(len(seen))
        return {raw["_id"]: raw["count"] for raw in found}


class Signals(Table[Signal]):
    """Inserted, told by the change stream, and gone by themselves."""

    name = "signals"
    model = Signal
    indexes = (
        IndexModel([("at", ASCENDING)], expireAfterSeconds=int(LIVES.total_seconds())),
        IndexModel([("conversation", ASCENDING), ("at", DESCENDING)]),
    )

    async def since(self, conversation: str, time: datetime, *, limit: int = 200) -> list[Signal]:
        """In the order of their time."""
        match = {"conversation": conversation, "at": {"$gt": time}}
        return (await self.find(match, sort=[("conversation", 1), ("at", -1)], limit=limit))[::-1]
