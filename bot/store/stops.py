"""The stop list and its log.

A number is listed as itself. Once a person who had it was erased, it is listed under a keyed hash: the stop still
holds, and the list doesn't tell the number.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel

from bot.aio.batching import Batcher
from bot.model.stop import Stop, StopEvent
from bot.store.driver import database_errors
from bot.store.keys import KeyRepository
from bot.store.numbered_log import NumberedLog
from bot.store.repository import Repository

KEYED = "keyed:"
"""The prefix of a keyed hash that replaces a number."""
KEY = "numbers"
"""Which of the workspace's keys."""


class KeyedNumbers:
    """Keyed hashes of numbers and email addresses. The key belongs to the workspace and never changes: with another
    one, stops would be lost."""

    def __init__(self, keys: KeyRepository) -> None:
        self._keys = keys
        self._key = b""
        self._keyed = hmac.new(b"", digestmod="sha256")

    async def prepare(self) -> None:
        """Reads the key, once."""
        if not self._key:
            self._key = (await self._keys.of(KEY)).encode()
            self._keyed = hmac.new(self._key, digestmod="sha256")

    async def of(self, addresses: Iterable[str]) -> dict[str, str]:
        """By address."""
        await self.prepare()
        return {one: self._hash(one) for one in addresses}

    def _hash(self, address: str) -> str:
        keyed = self._keyed.copy()  # preparing a key takes OpenSSL 10 µs
        keyed.update(address.encode())
        return KEYED + keyed.hexdigest()

    def short(self, text: str) -> int:
        """64 bits, for an index of what may name somebody. After `prepare`."""
        if not self._key:
            raise RuntimeError("not prepared")
        digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=8, key=self._key[:64]).digest()
        return int.from_bytes(digest, signed=True)


class StopRepository(Repository[Stop]):
    """The stop list."""

    name = "stops"
    model = Stop
    indexes = (IndexModel([("is_untold", ASCENDING)], partialFilterExpression={"is_untold": True}),)

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]], keyed: KeyedNumbers) -> None:
        super().__init__(database)
        self._keyed = keyed
        self._of: Batcher[frozenset[str], dict[str, Stop]] = Batcher(self._of_round)

    async def of(self, numbers: Iterable[str]) -> dict[str, Stop]:
        """By number, those that ever texted STOP or START. Concurrent callers share one query, which starts after the
        last of them called."""
        wanted = frozenset(numbers)
        return await self._of(wanted) if wanted else {}

    async def _of_round(self, calls: list[frozenset[str]]) -> list[dict[str, Stop]]:
        stops = await self._listed(frozenset().union(*calls))
        return [{number: stops[number] for number in wanted & stops.keys()} for wanted in calls]

    async def _listed(self, numbers: Iterable[str]) -> dict[str, Stop]:
        keyed = await self._keyed.of(numbers)
        found = await self.get_many([*keyed, *keyed.values()])
        pairs = ((number, found.get(number), found.get(hash)) for number, hash in keyed.items())
        # Both are there while a person is erased.
        return {number: stop for number, one, other in pairs if (stop := one if one and one.holds else other or one)}

    async def stopped(self, numbers: Iterable[str]) -> set[str]:
        """Those of these numbers that are stopped, in one query."""
        return {number for number, stop in (await self.of(numbers)).items() if stop.holds}

    async def name_of(self, number: str) -> str:
        """The name under which the number is listed, or is to be."""
        hash = (await self._keyed.of([number]))[number]
        return hash if await self.get(hash) else number

    async def untold(self, *, limit: int) -> list[Stop]:
        """Those whose newest entry the SMS provider doesn't know."""
        return await self.find({"is_untold": True}, limit=limit)

    async def note_told(self, stops: Sequence[Stop]) -> None:
        """Unless there is a newer entry meanwhile."""
        await self.update_many([({"_id": stop.id, "seq": stop.seq}, {"$unset": {"is_untold": ""}}) for stop in stops])

    async def move(self, before: Stop | None, after: Stop) -> bool:
        """False if another process moved it since `before` was read."""
        if before is None:
            return (await self.insert_many([after]))[0]
        with database_errors():
            match = {"_id": before.id, "seq": before.seq or {"$in": [0, None]}}
            change = {"$set": after.stored(), **({"$unset": {"lifted_at": ""}} if after.holds else {})}
            return bool((await self.collection.update_one(match, change)).matched_count)


class StopEventRepository(NumberedLog[StopEvent]):
    """Every STOP and START, by the name under which the number is listed."""

    name = "stop_events"
    model = StopEvent
    owner = "number"
    indexes = (IndexModel([("key", ASCENDING)]),)
