"""The ledger's events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel

from bot.model.event import ConsentEvent
from bot.store.event_stream import EventStream, Token
from bot.store.numbered_log import NumberedLog


class EventRepository(NumberedLog[ConsentEvent]):
    """The ledger: inserted, never updated, never deleted."""

    name = "events"
    model = ConsentEvent
    owner = "contact"
    indexes = (IndexModel([("key", ASCENDING)]), IndexModel([("event", ASCENDING)]))

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._database = database

    async def named(self, events: Sequence[str]) -> list[ConsentEvent]:
        """Those with these public ids."""
        return await self.find({"event": {"$in": [*events]}}, sort=[("event", 1)], limit=len(events) or 1)

    async def between(self, event: str, end: str, *, limit: int) -> list[ConsentEvent]:
        """The events whose public ids lie between these two, in the order of their time."""
        return await self.find({"event": {"$gt": event, "$lt": end}}, sort=[("event", 1)], limit=limit)

    def stream(self, token: Token | None) -> EventStream:
        """New events from this token on (or from now), in the order in which they were committed."""
        return EventStream(self._database, self.name, token)
