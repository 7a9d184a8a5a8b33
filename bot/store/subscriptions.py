"""Subscriptions and their history: a change and its history entry are stored together, or neither is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel

from bot.aio.batching import Batcher
from bot.model.subscription import MessageType, Subscription, SubscriptionState, SubscriptionVersion
from bot.store.numbered_log import NumberedLog
from bot.store.recent import RecentRepository
from bot.store.transaction import Session, transaction


class SubscriptionVersionRepository(NumberedLog[SubscriptionVersion]):
    """The history of each subscription: append-only."""

    name = "subscription_versions"
    model = SubscriptionVersion
    owner = "subscription"
    indexes = (IndexModel([("key", ASCENDING)]),)


class SubscriptionRepository(RecentRepository[Subscription]):
    """`recent` is only for showing: a submission is checked against the database. The feed clears it, too."""

    name = "subscriptions"
    model = Subscription
    indexes = (
        IndexModel([("state", ASCENDING), ("name", ASCENDING)]),
        IndexModel([("name_key", ASCENDING)], unique=True, partialFilterExpression={"name_key": {"$exists": True}}),
    )

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]], versions: SubscriptionVersionRepository) -> None:
        super().__init__(database)
        self._database, self._versions = database, versions
        self._live = Batcher(self._live_round)

    async def live(self) -> Sequence[Subscription]:
        """Sorted by name. Concurrent callers share one query that starts after the last of them called."""
        return await self._live(None)

    async def _live_round(self, calls: list[None], limit: int = 200) -> list[Sequence[Subscription]]:
        found = await self.in_state(SubscriptionState.LIVE, limit=limit)
        return [tuple(found)] * len(calls)

    async def in_state(self, state: SubscriptionState, *, limit: int) -> list[Subscription]:
        return await self.find({"state": state}, sort=[("state", 1), ("name", 1)], limit=limit)

    async def all(self, *, limit: int = 2000) -> list[Subscription]:
        return await self.page("", limit=limit)

    async def texts(self, *, limit: int = 1000) -> list[Subscription]:
        """All SMS subscriptions in any state: a STOP applies to all of them."""
        return await self.find({"state": {"$in": [*SubscriptionState]}, "message_type": MessageType.SMS}, limit=limit)

    async def begin(self, entry: SubscriptionVersion) -> None:
        """Inserts a new subscription and the first entry of its history. Raises Duplicate (id or name taken) and
        StoreUnavailable."""

        async def work(session: Session) -> None:
            await self.collection.insert_one(entry.after.stored(), session=session)
            await self._versions.collection.insert_one(entry.stored(), session=session)

        await transaction(self._database, work)
        self.recent.cache_clear()

    async def change(self, before: Subscription, entries: Sequence[SubscriptionVersion]) -> bool:
        """Changes `before` to the state in the last of `entries`. False: another writer changed it since it was read.

        Existing history entries are left unchanged. Raises Duplicate if the name is taken.
        """

        async def work(session: Session) -> bool:
            match = {"_id": before.id, "version": before.version}
            done = await self.collection.update_one(match, _change(before, entries[-1].after), session=session)
            for entry in entries if done.matched_count else ():
                raw = entry.stored()
                await self._versions.collection.update_one(
                    {"_id": raw.pop("_id")}, {"$setOnInsert": raw}, upsert=True, session=session
                )
            return bool(done.matched_count)

        try:
            return await transaction(self._database, work)
        finally:
            self.recent.cache_clear()


def _change(before: Subscription, after: Subscription) -> Mapping[str, Any]:
    """The update of changed fields and of the key that keeps names unique."""
    old, new = before.stored(), after.stored()
    changed = {name: value for name, value in new.items() if name == "name_key" or old.get(name) != value}
    gone = {name: "" for name in old if name not in new}
    return {"$set": changed, **({"$unset": gone} if gone else {})}
