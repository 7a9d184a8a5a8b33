"""Daily counts of flows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel, UpdateOne

from bot.model.base import iso
from bot.model.flow_day import FlowDay, OutcomeCursor
from bot.store.driver import READ_MS, database_errors
from bot.store.repository import Repository
from bot.store.transaction import Session, transaction

CURSOR = "outcomes"
MOST = 4000
"""Days of versions that a page reads."""


@dataclass(frozen=True, slots=True)
class FlowDayKey:
    flow: str
    version: int
    day: datetime

    @property
    def id(self) -> str:
        return f"{self.flow}:{self.version:06d}:{iso(self.day)[:10]}"


Counts = Mapping[FlowDayKey, Mapping[str, int]]


class FlowDayRepository(Repository[FlowDay]):
    name = "flow_days"
    model = FlowDay
    indexes = (IndexModel([("flow", ASCENDING), ("day", ASCENDING)]),)

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._database = database

    async def of(self, flow: str, since: datetime) -> list[FlowDay]:
        """Since this day, in order of time."""
        return await self.find({"flow": flow, "day": {"$gte": since}}, sort=[("flow", 1), ("day", 1)], limit=MOST)

    async def totals(self, flows: Sequence[str], since: datetime) -> dict[str, Counter[str]]:
        """Of each of these flows since this day, in one query. What is counted by step or form is added up."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"flow": {"$in": [*flows]}, "day": {"$gte": since}}},
            {"$project": {"flow": 1, "counts": {"$objectToArray": "$counts"}}},
            {"$unwind": "$counts"},
            {"$project": {"flow": 1, "n": "$counts.v", "name": {"$first": {"$split": ["$counts.k", ":"]}}}},
            {"$group": {"_id": {"flow": "$flow", "name": "$name"}, "n": {"$sum": "$n"}}},
        ]
        with database_errors():
            found = await self.collection.aggregate(pipeline, maxTimeMS=READ_MS).to_list(None)
        totals: dict[str, Counter[str]] = {flow: Counter() for flow in flows}
        for row in found:
            totals[row["_id"]["flow"]][row["_id"]["name"]] = row["n"]
        return totals

    async def add(self, counts: Counts) -> None:
        """In one round trip."""
        with database_errors():
            await self._add(counts)

    async def add_from(self, cursors: OutcomeCursorRepository, before: str, after: str, counts: Counts) -> bool:
        """Adds what happened between two places of the ledger, together with the cursor: each event counts once.
        False: another process counted it."""

        async def work(session: Session) -> bool:
            if not await cursors.move(before, after, session):
                return False
            await self._add(counts, session)
            return True

        return await transaction(self._database, work)

    async def _add(self, counts: Counts, session: Session | None = None) -> None:
        updates = [
            UpdateOne(
                {"_id": key.id},
                {
                    "$inc": {f"counts.{name}": n for name, n in named.items()},
                    "$setOnInsert": {"flow": key.flow, "version": key.version, "day": key.day},
                },
                upsert=True,
            )
            for key, named in counts.items()
            if named
        ]
        if updates:
            await self.collection.bulk_write(updates, ordered=False, session=session)


class OutcomeCursorRepository(Repository[OutcomeCursor]):
    name = "outcome_cursors"
    model = OutcomeCursor

    async def place(self) -> str:
        """Empty: nothing is counted yet."""
        found = await self.get(CURSOR)
        return found.event if found else ""

    async def move(self, before: str, after: str, session: Session) -> bool:
        """False: another process moved it."""
        made = {"$setOnInsert": {"event": ""}}
        await self.collection.update_one({"_id": CURSOR}, made, upsert=True, session=session)
        match = {"_id": CURSOR, "event": before}
        done = await self.collection.update_one(match, {"$set": {"event": after}}, session=session)
        return bool(done.matched_count)
