"""How many contacts have each consent state, by subscription."""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel, UpdateOne

from bot.model.contact import ConsentCount, ConsentState
from bot.store.repository import Repository
from bot.store.transaction import Session

SHARDS = 16


class ConsentCountRepository(Repository[ConsentCount]):
    """How many people stand where on each subscription: kept by the projection, in the transaction that moves them.

    So a page reads a handful of small documents, however many people there are, and is right after each change.
    """

    name = "consent_counts"
    model = ConsentCount
    indexes = (IndexModel([("subscription", ASCENDING)]),)

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._shard = secrets.randbelow(SHARDS)

    async def of(self, subscriptions: Sequence[str]) -> dict[str, Counter[ConsentState]]:
        """By subscription; those about whom nobody was ever asked have none."""
        return _by_state(await self.find({"subscription": {"$in": [*subscriptions]}}, limit=SHARDS * 1000))

    async def move(self, moves: Mapping[tuple[str, ConsentState], int], session: Session) -> None:
        """Each process has counters of its own, mostly, so that two never wait for one."""
        by_subscription: dict[str, dict[str, int]] = {}
        for (subscription, state), by in moves.items():
            if by:
                by_subscription.setdefault(subscription, {})[f"counts.{state}"] = by
        updates = [
            UpdateOne(
                {"_id": f"{subscription}:{self._shard}"},
                {"$inc": change, "$setOnInsert": {"subscription": subscription}},
                upsert=True,
            )
            for subscription, change in by_subscription.items()
        ]
        if updates:
            await self.collection.with_options(write_concern=None).bulk_write(updates, ordered=False, session=session)


def _by_state(counts: Iterable[ConsentCount]) -> dict[str, Counter[ConsentState]]:
    found: defaultdict[str, Counter[ConsentState]] = defaultdict(Counter)
    for count in counts:
        found[count.subscription].update(count.counts)
    return found
