"""The repositories of the consumers' cursor and of the events to retry."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pymongo import ASCENDING, IndexModel

from bot.model.event_cursor import EventCursor, EventRetry
from bot.store.driver import database_errors
from bot.store.repository import Repository


class EventCursorRepository(Repository[EventCursor]):
    name = "event_cursors"
    model = EventCursor

    async def save(self, cursor: EventCursor) -> None:
        with database_errors():
            await self.collection.update_one({"_id": cursor.id}, {"$set": cursor.stored()}, upsert=True)


class EventRetryRepository(Repository[EventRetry]):
    """Separate from the cursor, so that one event that can't be handled doesn't block later ones."""

    name = "event_retries"
    model = EventRetry
    indexes = (
        IndexModel([("due", ASCENDING)], partialFilterExpression={"due": {"$exists": True}}),
        IndexModel([("done_at", ASCENDING)], expireAfterSeconds=86_400),
    )

    async def due(self, time: datetime, *, limit: int = 100) -> list[EventRetry]:
        return await self.find({"due": {"$lte": time}}, sort=[("due", 1)], limit=limit)

    async def put_off(self, event: str, tries: int, due: datetime) -> None:
        with database_errors():
            await self.collection.update_one({"_id": event}, {"$set": {"tries": tries, "due": due}}, upsert=True)

    async def done(self, events: Iterable[str], time: datetime) -> None:
        change = {"$set": {"done_at": time}, "$unset": {"due": ""}}
        await self.update_many([({"_id": event}, change) for event in events])
