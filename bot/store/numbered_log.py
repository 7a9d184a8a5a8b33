"""Append-only logs: entries of one owner, numbered without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from motor.motor_asyncio import AsyncIOMotorDatabase

from bot.aio.batching import Batcher
from bot.store.repository import D, Repository


class NumberedLog(Repository[D]):
    """Entries of one owner, numbered 1, 2, 3 … without gaps: a contact's events, a conversation's parts.

    The `_id` is `<owner>:<seq>`, so the `_id` index refuses a second writer of the same number, also when the
    collection is sharded by hashed owner; the loser reads the log again. An idempotency key is looked up in the log
    before the next number is tried, so two equal requests at once can't both win. This needs no lock, and no counter
    that a crash leaves ahead.
    """

    owner: ClassVar[str]

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._by_key = Batcher(self._by_key_round)

    @staticmethod
    def entry_id(owner: str, seq: int) -> str:
        """The `_id` of an entry. Sorting ids as text sorts by sequence."""
        return f"{owner}:{seq:010d}"

    async def after(self, owner: str, seq: int, *, limit: int) -> list[D]:
        """The entries that follow `seq`, in order."""
        return await self.find(self._range(owner, first=seq + 1), sort=[("_id", 1)], limit=limit)

    async def before(self, owner: str, seq: int | None, *, limit: int) -> list[D]:
        """The newest entries (those before `seq`, if one is given), in order."""
        found = await self.find(
            self._range(owner, last=None if seq is None else seq - 1), sort=[("_id", -1)], limit=limit
        )
        return found[::-1]

    async def by_key(self, owner: str, key: str) -> D | None:
        """The entry that an earlier request with this key made."""
        return await self._by_key((owner, key))

    async def by_keys(self, keys: Sequence[tuple[str, str]]) -> dict[str, D]:
        """By key, in one query."""
        if not keys:
            return {}
        match = {"key": {"$in": [k for _, k in keys]}, self.owner: {"$in": list({o for o, _ in keys})}}
        found = await self.find(match, limit=2 * len(keys), hint=[("key", 1)])
        return {getattr(entry, "key"): entry for entry in found}  # noqa: B009 (a field of all logs, unknown to D)

    async def _by_key_round(self, keys: list[tuple[str, str]]) -> list[D | None]:
        found = await self.by_keys(keys)
        return [found.get(key) for _, key in keys]

    def _range(self, owner: str, *, first: int = 1, last: int | None = None) -> dict[str, Any]:
        top = 9_999_999_999 if last is None else last
        return {"_id": {"$gte": self.entry_id(owner, first), "$lte": self.entry_id(owner, top)}, self.owner: owner}
