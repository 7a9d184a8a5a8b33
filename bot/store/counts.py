"""How many contacts have each consent state, by subscription."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import pymongo
from bson import Timestamp
from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorDatabase

from bot.model.base import now
from bot.model.contact import ConsentCounts, ConsentState
from bot.model.event import ConsentEvent
from bot.store.driver import Duplicate, database_errors
from bot.store.event_stream import Token
from bot.store.repository import Repository

Counts = Counter[tuple[str, ConsentState]]
"""By subscription and state."""
COUNTS = "counts"
RECOUNT_SECONDS = 120


class ConsentCountRepository(Repository[ConsentCounts]):
    """One document, moved along the change stream of events by compare-and-set: each event is counted exactly once,
    less than a second after it was recorded, and no consent waits for it."""

    name = "consent_counts"
    model = ConsentCounts

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._database = database

    async def of(self, subscriptions: Sequence[str]) -> dict[str, Counter[ConsentState]]:
        """By subscription; missing if nobody was ever asked."""
        found = await self.get(COUNTS)
        counts = found.counts if found else {}
        return {id: Counter(counts[id]) for id in subscriptions if id in counts}

    async def move(self, moves: Counts, at: ConsentCounts, to: ConsentCounts) -> bool:
        """Adds the moves between the two tokens. False: another process moved the counts."""
        change = {f"counts.{subscription}.{state}": by for (subscription, state), by in moves.items() if by}
        place = {"token": to.token, "revision": to.revision, "moved_at": to.moved_at}
        with database_errors():
            done = await self.collection.update_one(
                {"_id": COUNTS, "revision": at.revision}, {"$set": place, **({"$inc": change} if change else {})}
            )
        return bool(done.matched_count)

    async def begin(self, counts: Counts, token: Token, *, instead_of: ConsentCounts | None) -> bool:
        """Stores a recount as of `token`. False: another process was first."""
        by_subscription: defaultdict[str, dict[ConsentState, int]] = defaultdict(dict)
        for (subscription, state), n in counts.items():
            by_subscription[subscription][state] = n
        revision = instead_of.revision + 1 if instead_of else 1
        new = ConsentCounts(id=COUNTS, counts=by_subscription, token=token, revision=revision, moved_at=now())
        try:
            if instead_of is None:
                await self.insert(new)
                return True
            match = {"_id": COUNTS, "revision": instead_of.revision}
            with database_errors():
                return bool((await self.collection.update_one(match, {"$set": new.stored()})).matched_count)
        except Duplicate:
            return False

    async def recount(self, behind_since: str) -> tuple[Counts, Timestamp]:
        """The counts at one moment, and that moment. Reads every contact, and the events since a ULID that are not
        projected yet."""
        groups, moment = await self._at(
            None,
            "contacts",
            [
                {"$match": {"consents.subscription": {"$gt": ""}}},
                {"$unwind": "$consents"},
                {"$group": {"_id": {"of": "$consents.subscription", "state": "$consents.state"}, "n": {"$sum": 1}}},
            ],
        )
        counts: Counts = Counter({(g["_id"]["of"], ConsentState(g["_id"]["state"])): g["n"] for g in groups})
        counts = Counter({place: n for place, n in counts.items() if place[1] is not ConsentState.NONE})
        behind, _ = await self._at(moment, "events", [{"$match": {"event": {"$gt": behind_since}}}, *_BEHIND])
        for raw in behind:
            counts.update(ConsentEvent.load(raw).moves())
        return counts, moment

    async def _at(
        self, moment: Timestamp | None, name: str, pipeline: list[dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], Timestamp]:
        concern: dict[str, Any] = {"level": "snapshot", **({"atClusterTime": moment} if moment else {})}
        options: CodecOptions[dict[str, Any]] = self._database.codec_options
        command = {"aggregate": name, "pipeline": pipeline, "cursor": {"batchSize": 100_000}}
        with database_errors(), pymongo.timeout(RECOUNT_SECONDS):  # otherwise that of a socket ends it
            reply = await self._database.command({**command, "readConcern": concern}, codec_options=options)
        cursor = reply["cursor"]
        return cursor["firstBatch"], moment or cursor.get("atClusterTime") or reply["operationTime"]


_BEHIND: list[dict[str, Any]] = [
    {"$lookup": {"from": "contacts", "localField": "contact", "foreignField": "_id", "as": "owner"}},
    {"$unwind": {"path": "$owner", "preserveNullAndEmptyArrays": True}},
    {"$match": {"$expr": {"$gt": ["$seq", {"$ifNull": ["$owner.ledger.seq", 0]}]}}},
    {"$unset": "owner"},
]
"""Events that are not projected yet."""
