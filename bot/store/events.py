"""The ledger's events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from bson import Timestamp
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel

from bot.model.event import Action, ConsentEvent
from bot.model.event_hash import erased
from bot.store.driver import READ_MS, database_errors
from bot.store.event_stream import EventStream, Token
from bot.store.numbered_log import NumberedLog


class EventRepository(NumberedLog[ConsentEvent]):
    """The ledger: inserted, never updated, never deleted."""

    name = "events"
    model = ConsentEvent
    owner = "contact"
    indexes = (
        IndexModel([("key", ASCENDING)]),
        IndexModel([("event", ASCENDING)]),
        IndexModel(
            [("message", ASCENDING), ("contact", ASCENDING), ("action", ASCENDING), ("stopped", ASCENDING)],
            partialFilterExpression={"message": {"$exists": True}},
        ),
    )

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._database = database

    async def named(self, events: Sequence[str]) -> list[ConsentEvent]:
        """Those with these public ids."""
        return await self.find({"event": {"$in": [*events]}}, sort=[("event", 1)], limit=len(events) or 1)

    async def between(self, event: str, end: str, *, limit: int) -> list[ConsentEvent]:
        """The events with public ids between these two, in order of time."""
        return await self.find({"event": {"$gt": event, "$lt": end}}, sort=[("event", 1)], limit=limit)

    async def outlines_between(self, event: str, end: str, *, limit: int) -> list[dict[str, Any]]:
        """`_id`, `event`, `flow` and `state` of the same."""
        fields = {"event": 1, "flow": 1, "state": 1}
        match = {"event": {"$gt": event, "$lt": end}}
        with database_errors():
            found = self.collection.find(match, fields, sort=[("event", 1)], limit=limit, max_time_ms=READ_MS)
            return list(await found.to_list(limit))

    def stream(self, token: Token | None = None, *, after: Timestamp | None = None) -> EventStream:
        """New events after a token or a moment, or from now on, in the order in which they were committed."""
        return EventStream(self._database, self.name, token, after=after)

    async def append(self, raws: Sequence[dict[str, Any]]) -> list[bool]:
        """Inserts events as they are stored, in one round trip. False for those whose number is taken."""
        return await self.insert_raw(raws)

    async def pages_raw_of(
        self, contact: str, *, before: int = 9_999_999_999, limit: int = 500
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Events of a contact as they are stored, in order, before a sequence."""
        after, end = contact, self.entry_id(contact, before)
        while True:
            match = {"_id": {"$gt": after, "$lt": end}, self.owner: contact}
            cursor = self.collection.find(match, sort=[("_id", 1)], limit=limit, max_time_ms=READ_MS)
            with database_errors():
                page = await cursor.to_list(limit)
            if not page:
                return
            yield page
            after = page[-1]["_id"]

    async def erase_values(self, page: Sequence[dict[str, Any]]) -> None:
        """The only change of an event: removes values whose commitments are in the hash, and their salts."""
        updates = [({"_id": raw["_id"]}, change) for raw in page if (change := _erasure(raw))]
        await self.update_many(updates)

    async def answers_to(self, message: str) -> tuple[int, int]:
        """How many people opted in with the form of this chat message, and how many haven't confirmed yet."""
        is_yes = {"$and": [{"$in": ["$action", [Action.OPT_IN, Action.CONFIRM]]}, {"$ne": ["$stopped", True]}]}
        stages: list[dict[str, Any]] = [
            {"$match": {"message": message}},
            {"$group": {"_id": "$contact", "yes": {"$max": {"$cond": [is_yes, 1, 0]}}}},
            {"$group": {"_id": None, "yes": {"$sum": "$yes"}, "all": {"$sum": 1}}},
        ]
        with database_errors():
            found = await self.collection.aggregate(stages, maxTimeMS=READ_MS).to_list(1)
        return (found[0]["yes"], found[0]["all"] - found[0]["yes"]) if found else (0, 0)

    async def entries_between(self, event: str, end: str, *, limit: int) -> list[dict[str, Any]]:
        """`_id`, `event`, `at` and `hash` of the events whose public ids lie between these two, in order."""
        fields = {"event": 1, "at": 1, "hash": 1}
        match = {"event": {"$gt": event, "$lt": end}}
        with database_errors():
            found = self.collection.find(match, fields, sort=[("event", 1)], limit=limit, max_time_ms=READ_MS)
            return list(await found.to_list(limit))

    async def hashes(self, ids: Sequence[str]) -> dict[str, Any]:
        """By id, of the events that exist."""
        with database_errors():
            found = self.collection.find({"_id": {"$in": [*ids]}}, {"hash": 1}, max_time_ms=READ_MS)
            return {raw["_id"]: raw.get("hash") for raw in await found.to_list(len(ids) or 1)}


def _erasure(raw: dict[str, Any]) -> dict[str, Any] | None:
    commitments, known = erased(raw)["commitments"], raw.get("commitments") or {}
    if commitments == known:
        return None
    gone = {path[1:].replace("/", "."): "" for path in commitments.keys() - known.keys()}
    return {"$set": {"commitments": commitments}, "$unset": {**gone, "salts": ""}}
