"""Conversations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.conversation import Channel, Conversation, ConversationState, Part
from bot.model.flow import Run
from bot.model.paging import Cursor
from bot.store.conversation_projection import projection
from bot.store.driver import READ_MS, database_errors
from bot.store.paging import following
from bot.store.repository import Repository

_BEGUN = {"partialFilterExpression": {"begun": True}}


class ConversationRepository(Repository[Conversation]):
    name = "conversations"
    model = Conversation
    indexes = (
        IndexModel([("contact", ASCENDING), ("updated_at", DESCENDING)]),
        IndexModel([("state", ASCENDING), ("rank", DESCENDING), ("_id", DESCENDING)], **_BEGUN),
        IndexModel(
            [("assignee", ASCENDING), ("state", ASCENDING), ("rank", DESCENDING), ("_id", DESCENDING)], **_BEGUN
        ),
        IndexModel([("snoozed_until", ASCENDING)], partialFilterExpression={"snoozed_until": {"$exists": True}}),
        IndexModel([("run.state.until", ASCENDING)], partialFilterExpression={"run.state.until": {"$exists": True}}),
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

    async def mark_read(self, conversation: str, contact: str, *, seen: int, delivered: int) -> None:
        """How far the contact has read, and how far their page has come."""
        change = {"$max": {"seen": seen, "delivered": max(seen, delivered)}}
        await self.update({"_id": conversation, "contact": contact}, change)

    async def mark_team_seen(self, conversation: str, seq: int) -> None:
        """By a teammate: it is no longer ahead of the others once there is nothing new in it."""
        await self.update({"_id": conversation, "team_seen": {"$not": {"$gte": seq}}}, projection([], team_seen=seq))

    async def listed(
        self, state: ConversationState, assignee: str | None, *, before: Cursor | None, limit: int
    ) -> list[Conversation]:
        """A page of the inbox after `before` (rank and id). `assignee` None: all conversations, assigned or not."""
        match: dict[str, Any] = {"begun": True, "state": state}
        by_rank = [("rank", -1), ("_id", -1)]
        order = [("state", 1), *by_rank]
        if assignee is not None:
            match["assignee"] = assignee
            order = [("assignee", 1), *order]
        return await self.find(match | following(by_rank, before), sort=order, limit=limit)

    async def count(self, state: ConversationState, assignee: str | None, *, unread_since: datetime, most: int) -> int:
        """Unread ones, no more than `most`."""
        match: dict[str, Any] = {"begun": True, "state": state, "rank": {"$gt": unread_since}}
        if assignee is not None:
            match["assignee"] = assignee
        with database_errors():
            return int(await self.collection.count_documents(match, limit=most, maxTimeMS=READ_MS))

    async def unassign_all(self, teammate: str) -> None:
        """Nobody's is what was theirs, however much it is: who is gone answers nothing."""
        with database_errors():
            await self.collection.update_many({"begun": True, "assignee": teammate}, {"$set": {"assignee": ""}})

    async def with_due_run(self, time: datetime, *, limit: int = 500) -> list[Conversation]:
        """Those whose flow waits for a time that has come."""
        match = {"run.state.until": {"$lte": time}}
        return await self.find(match, sort=[("run.state.until", 1)], limit=limit)

    async def move_run(self, id: str, before: Run, after: Run) -> None:
        """Moves a run on, unless another process did."""
        match = {"_id": id, "run.id": before.id, "run.revision": before.revision}
        await self.update(match, {"$set": {"run": after.model_dump(exclude_none=True)}})

    async def due(self, before: datetime, *, limit: int = 500) -> list[Conversation]:
        """Snoozed ones whose time is over."""
        match = {"snoozed_until": {"$lte": before}}
        return await self.find(match, sort=[("snoozed_until", 1)], limit=limit)
