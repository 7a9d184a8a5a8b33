"""Conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.aio.batching import Batcher
from bot.errors import StoreUnavailable
from bot.model.conversation import Channel, Conversation, ConversationState, ConversationTag, Part
from bot.model.flow import Run, RunStatus, Wait
from bot.model.paging import Cursor
from bot.store.conversation_projection import projection
from bot.store.driver import READ_MS, database_errors
from bot.store.paging import following
from bot.store.repository import Repository

BATCH_SECONDS = 0.05
"""How long a read mark waits to be batched: no caller waits for it."""
_BEGUN = {"partialFilterExpression": {"begun": True}}
_TAGGED = {"partialFilterExpression": {"tags.tag": {"$exists": True}}}
_WAITING_FOR_CONSENT = {"partialFilterExpression": {"run.state.waits": Wait.CONSENT.value}}


PAGE = 500


@dataclass(frozen=True, slots=True)
class ReadMark:
    conversation: str
    contact: str
    seen: int
    delivered: int


class ConversationRepository(Repository[Conversation]):
    name = "conversations"
    model = Conversation
    indexes = (
        IndexModel([("contact", ASCENDING), ("updated_at", DESCENDING), ("_id", DESCENDING)]),
        IndexModel([("state", ASCENDING), ("rank", DESCENDING), ("_id", DESCENDING)], **_BEGUN),
        IndexModel(
            [("assignee", ASCENDING), ("state", ASCENDING), ("rank", DESCENDING), ("_id", DESCENDING)], **_BEGUN
        ),
        IndexModel([("created_at", DESCENDING), ("_id", DESCENDING)], **_BEGUN),
        IndexModel([("updated_at", DESCENDING), ("_id", DESCENDING)], **_BEGUN),
        IndexModel([("tags.tag", ASCENDING), ("updated_at", DESCENDING), ("_id", DESCENDING)], **_TAGGED),
        IndexModel(
            [("sign_up_rank", DESCENDING), ("_id", DESCENDING)],
            partialFilterExpression={"sign_up_rank": {"$exists": True}},
        ),
        IndexModel([("snoozed_until", ASCENDING)], partialFilterExpression={"snoozed_until": {"$exists": True}}),
        IndexModel([("contact", ASCENDING), ("_id", ASCENDING)], **_WAITING_FOR_CONSENT),
        IndexModel([("run.state.until", ASCENDING)], partialFilterExpression={"run.state.until": {"$exists": True}}),
        IndexModel([("run.due_at", ASCENDING)], partialFilterExpression={"run.due_at": {"$exists": True}}),
    )
    old_indexes = frozenset({"contact_1_updated_at_-1"})

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._mark_read: Batcher[ReadMark, None] = Batcher(
            self._mark_round, one_of=lambda mark: mark.conversation, wait=BATCH_SECONDS
        )

    async def contacts_among(self, contacts: Sequence[str]) -> set[str]:
        """Those of these contacts who have a conversation."""
        with database_errors():
            return {*await self.collection.distinct("contact", {"contact": {"$in": [*contacts]}}, maxTimeMS=READ_MS)}

    async def newest_of_each(self, contacts: Sequence[str]) -> dict[str, str]:
        """The newest chat of those of these contacts who have one, in one query."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"contact": {"$in": [*contacts]}, "channel": {"$ne": Channel.SMS}}},
            {"$sort": {"contact": 1, "updated_at": -1}},
            {"$group": {"_id": "$contact", "newest": {"$first": "$_id"}}},
        ]
        with database_errors():
            found = await self.collection.aggregate(pipeline, maxTimeMS=READ_MS).to_list(len(contacts) or 1)
        return {raw["_id"]: raw["newest"] for raw in found}

    async def of(self, contact: str, *, limit: int = 30, with_entries: bool = False) -> list[Conversation]:
        """A contact's chats, the newest first. `with_entries`: without those in which a flow runs that writes
        nothing."""
        more = {"last": {"$gt": 0}} if with_entries else {}
        return await self.find(
            {"contact": contact, "channel": {"$ne": Channel.SMS}, **more},
            sort=[("contact", 1), ("updated_at", -1)],
            limit=limit,
        )

    async def of_contact(self, contact: str, after: Cursor | None, limit: int) -> list[Conversation]:
        """A contact's chats and conversations by text, the newest first, by time and id."""
        order = [("updated_at", -1), ("_id", -1)]
        return await self.find({"contact": contact, **following(order, after)}, sort=order, limit=limit)

    async def of_many(self, contacts: Sequence[str], *, limit: int) -> list[Conversation]:
        """Conversations of these contacts that are in the inbox or among the sign-ups."""
        shown = {"$or": [{"begun": True}, {"signed_up": {"$gt": 0}}]}
        return await self.find({"contact": {"$in": [*contacts]}, **shown}, limit=limit)

    async def touch(self, parts: Iterable[Part]) -> None:
        """Projects parts onto their conversations. Idempotent, in any order."""
        by_conversation: dict[str, list[Part]] = {}
        for part in parts:
            by_conversation.setdefault(part.conversation, []).append(part)
        await self.update_many([({"_id": id}, projection(mine)) for id, mine in by_conversation.items()])

    async def mark_read(self, conversation: str, contact: str, *, seen: int, delivered: int) -> None:
        """How far the contact has read, and how far their page has come."""
        await self._mark_read(ReadMark(conversation, contact, seen, max(seen, delivered)))

    async def _mark_round(self, marks: list[ReadMark]) -> list[None]:
        """One update for all: it costs the server two thirds of what as many updates do."""
        ids, update = [mark.conversation for mark in marks], _read_marks(marks)
        try:
            await self._update_all(ids, update)
        except StoreUnavailable:  # the driver repeats no update of many documents; this one may be repeated
            await self._update_all(ids, update)
        return [None] * len(marks)

    async def _update_all(self, ids: Sequence[str], update: list[dict[str, Any]]) -> None:
        with database_errors():
            await self.collection.update_many({"_id": {"$in": ids}}, update)

    async def mark_team_seen(self, conversation: str, seq: int) -> None:
        """A conversation without anything new is no longer sorted first."""
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

    async def sign_ups(self, *, before: Cursor | None, limit: int) -> list[Conversation]:
        """A page of the conversations in which people signed up with a bot and nobody wrote."""
        by_rank = [("sign_up_rank", -1), ("_id", -1)]
        match = {"sign_up_rank": {"$exists": True}} | following(by_rank, before)
        return await self.find(match, sort=by_rank, limit=limit)

    async def tag(self, id: str, tag: ConversationTag, *, most: int) -> bool:
        """Adds a tag. Returns False if it has that tag or `most` tags already."""
        match = {"_id": id, "tags.tag": {"$ne": tag.tag}, f"tags.{most - 1}": {"$exists": False}}
        with database_errors():
            done = await self.collection.update_one(match, {"$push": {"tags": tag.model_dump()}})
        return bool(done.matched_count)

    async def untag(self, id: str, tag: str) -> None:
        await self.update({"_id": id}, {"$pull": {"tags": {"tag": tag}}})

    async def count_sign_ups(self, *, unread_since: datetime, most: int) -> int:
        """Those that no teammate has seen."""
        match = {"sign_up_rank": {"$gt": unread_since}}
        with database_errors():
            return int(await self.collection.count_documents(match, limit=most, maxTimeMS=READ_MS))

    async def count(self, state: ConversationState, assignee: str | None, *, unread_since: datetime, most: int) -> int:
        """Unread ones, no more than `most`."""
        match: dict[str, Any] = {"begun": True, "state": state, "rank": {"$gt": unread_since}}
        if assignee is not None:
            match["assignee"] = assignee
        with database_errors():
            return int(await self.collection.count_documents(match, limit=most, maxTimeMS=READ_MS))

    async def unassign_all(self, teammate: str) -> None:
        """Unassigns all conversations of a removed teammate."""
        with database_errors():
            await self.collection.update_many({"begun": True, "assignee": teammate}, {"$set": {"assignee": ""}})

    async def with_due_run(self, time: datetime, *, limit: int = 500) -> list[Conversation]:
        """Those whose flow waits for a time that has come."""
        match = {"run.state.until": {"$lte": time}}
        return await self.find(match, sort=[("run.state.until", 1)], limit=limit)

    async def waiting_for_consent(
        self, contacts: Collection[str], *, after: Cursor | None = None
    ) -> AsyncIterator[list[Conversation]]:
        """Those of these contacts whose flow waits for a change of consent."""
        match = {"contact": {"$in": [*contacts]}, "run.state.waits": Wait.CONSENT}
        order = [("contact", 1), ("_id", 1)]
        while contacts:
            found = await self.find({"$and": [match, following(order, after)]}, sort=order, limit=PAGE)
            yield found
            if len(found) < PAGE:
                return
            after = Cursor((found[-1].contact, found[-1].id))

    async def with_left_run(self, time: datetime, *, limit: int = 500) -> list[Conversation]:
        """Those whose flow was left in the middle of a transition, or before its first step."""
        return await self.find({"run.due_at": {"$lte": time}}, sort=[("run.due_at", 1)], limit=limit)

    async def flows_of(self, contact: str) -> set[str]:
        """The flows (and runs) of the contact's newest conversations."""
        fields = {"run.flow": 1, "ran": 1}
        cursor = self.collection.find({"contact": contact}, fields, limit=PAGE, max_time_ms=READ_MS)
        with database_errors():
            found = await cursor.to_list(PAGE)
        return {flow for raw in found for flow in (raw.get("run", {}).get("flow"), *raw.get("ran", ())) if flow}

    async def move_run(self, id: str, before: Run, after: Run) -> bool:
        """Moves a run. False: another process did."""
        return await self._take_run(id, before, {"$set": {"run": after.model_dump(exclude_none=True)}})

    async def settle_run(self, id: str, run: Run, part: int, *, error: str = "") -> None:
        """The effects of its newest transition are carried out. `part`: the newest entry that it wrote. `error`: why
        the run is stopped."""
        stopped = {"run.state.status": RunStatus.FAILED, "run.state.error": error} if error else {}
        change = {"$set": {"run.part": part, **stopped}, "$unset": {"run.todo": "", "run.due_at": ""}}
        await self._take_run(id, run, change)

    async def begin_run(self, id: str, before: Run | None, run: Run) -> bool:
        """Replaces the run of a conversation by one of another flow. False: another process changed it meanwhile."""
        change: dict[str, Any] = {"$set": {"run": run.model_dump(exclude_none=True)}}
        if before:
            change["$addToSet"] = {"ran": {"$each": [before.flow, before.id]}}
        return await self._take_run(id, before, change)

    async def _take_run(self, id: str, before: Run | None, change: dict[str, Any]) -> bool:
        held = {"run.id": before.id, "run.revision": before.revision} if before else {"run": {"$exists": False}}
        with database_errors():
            done = await self.collection.update_one({"_id": id, "erased_at": {"$exists": False}, **held}, change)
        return bool(done.matched_count)

    async def due(self, before: datetime, *, limit: int = 500) -> list[Conversation]:
        """Those whose snooze is over."""
        match = {"snoozed_until": {"$lte": before}}
        return await self.find(match, sort=[("snoozed_until", 1)], limit=limit)


def _read_marks(marks: Sequence[ReadMark]) -> list[dict[str, Any]]:
    """The values are looked up by the conversation's id. Conversations of other contacts don't change."""
    values = [{"contact": m.contact, "seen": m.seen, "delivered": m.delivered} for m in marks]
    ids = {"$literal": [mark.conversation for mark in marks]}
    mine = {"$arrayElemAt": [{"$literal": values}, {"$indexOfArray": [ids, "$_id"]}]}
    is_theirs = {"$eq": ["$contact", "$$mine.contact"]}

    def most(name: str) -> dict[str, Any]:
        new = {"$cond": [is_theirs, {"$max": [f"${name}", f"$$mine.{name}"]}, f"${name}"]}
        return {"$let": {"vars": {"mine": mine}, "in": new}}

    return [{"$set": {name: most(name) for name in ("seen", "delivered")}}]
