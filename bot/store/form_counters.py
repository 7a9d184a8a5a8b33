"""Counts the texts that forms cause, atomically, in windows of time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError
from pymongo.write_concern import WriteConcern

from bot.model.form_limits import BlockedPrefix, FormCounter
from bot.store.driver import database_errors
from bot.store.repository import Repository, duplicates


@dataclass(frozen=True, slots=True)
class CounterUse:
    """Counts `by` more, if that makes at most `most`."""

    id: str
    by: int
    most: int
    expires_at: datetime


class FormCounterRepository(Repository[FormCounter]):
    name = "form_counters"
    model = FormCounter
    indexes = (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)

    async def take(self, uses: Sequence[CounterUse]) -> set[str]:
        """Counts each use that fits, in one round trip; returns the ids of the counters that are full."""
        full = {use.id for use in uses if use.by > use.most}
        left = [use for use in uses if use.id not in full]
        left = await self._refused(left)
        again = await self._refused(left)  # two made the counter at once: it exists now
        return full | {use.id for use in again}

    async def add(self, by: Mapping[str, int], expires_at: datetime) -> None:
        """Counts without a limit."""
        change = {"$setOnInsert": {"expires_at": expires_at}}
        await self._write([UpdateOne({"_id": id}, {"$inc": {"n": n}, **change}, upsert=True) for id, n in by.items()])

    async def give_back(self, by: Mapping[str, int]) -> None:
        if by:
            await self._write([UpdateOne({"_id": id}, {"$inc": {"n": -n}}) for id, n in by.items()])

    async def counts(self, ids: Collection[str]) -> dict[str, int]:
        """Missing ones are 0."""
        found = await self.get_many(ids)
        return {id: found[id].n if id in found else 0 for id in ids}

    async def _refused(self, uses: Sequence[CounterUse]) -> list[CounterUse]:
        """A full counter doesn't match, so that its upsert is refused as a duplicate."""
        if not uses:
            return []
        return [uses[i] for i in await self._write([_upsert(use) for use in uses])]

    async def _write(self, updates: list[UpdateOne]) -> list[int]:
        """The places of the refused updates. Not durable: a crash may lose some counts, and nobody waits for a disk."""
        with database_errors():
            try:
                await self.collection.with_options(write_concern=WriteConcern(w=1)).bulk_write(updates, ordered=False)
            except BulkWriteError as error:
                return duplicates(error)
        return []


def _upsert(use: CounterUse) -> UpdateOne:
    match = {"_id": use.id, "n": {"$lte": use.most - use.by}}
    return UpdateOne(match, {"$inc": {"n": use.by}, "$setOnInsert": {"expires_at": use.expires_at}}, upsert=True)


class BlockedPrefixRepository(Repository[BlockedPrefix]):
    name = "blocked_prefixes"
    model = BlockedPrefix
    indexes = (
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        IndexModel([("until", ASCENDING)]),
    )

    async def blocked(self, time: datetime, *, limit: int) -> list[BlockedPrefix]:
        """The ones that end last come first."""
        return await self.find({"until": {"$gt": time}}, sort=[("until", -1)], limit=limit)

    async def unblock(self, prefix: str, time: datetime, *, spared_until: datetime) -> bool:
        """It isn't blocked again until then. False: it wasn't blocked."""
        change = {"$set": {"until": time, "expires_at": spared_until}}
        with database_errors():
            done = await self.collection.update_one({"_id": prefix, "until": {"$gt": time}}, change)
        return bool(done.matched_count)
