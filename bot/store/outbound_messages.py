"""Outbound messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.base import now
from bot.model.outbound_message import AutomaticPause, OutboundMessage
from bot.model.paging import Cursor
from bot.store.driver import database_errors
from bot.store.paging import following
from bot.store.repository import Repository

MOST_RUNNING = 20
"""Chat messages that may run at once: each opened page is compared with all of them."""
NEWEST = [("updated_at", -1), ("_id", -1)]


class OutboundMessageRepository(Repository[OutboundMessage]):
    name = "outbound_messages"
    model = OutboundMessage
    indexes = (
        IndexModel([("is_deleted", ASCENDING), ("updated_at", DESCENDING), ("_id", DESCENDING)]),
        IndexModel([("is_starting", DESCENDING)], partialFilterExpression={"is_starting": True}),
        IndexModel(
            [("is_running", ASCENDING), ("ordered_at", ASCENDING)], partialFilterExpression={"is_running": True}
        ),
        IndexModel([("segment", DESCENDING)], partialFilterExpression={"segment": {"$gt": ""}}),
    )

    async def newest(self, cursor: Cursor | None, *, limit: int) -> list[OutboundMessage]:
        order = [("is_deleted", 1), *NEWEST]
        return await self.find({"is_deleted": False, **following(NEWEST, cursor)}, sort=order, limit=limit)

    async def drafts_with(self, segment: str, *, limit: int) -> list[OutboundMessage]:
        match = {"segment": segment, "ordered_at": {"$exists": False}, "is_deleted": False}
        return await self.find(match, sort=[("segment", -1)], limit=limit)

    async def starting(self, *, limit: int) -> list[OutboundMessage]:
        return await self.find({"is_starting": True}, limit=limit)

    async def started(self, id: str) -> None:
        await self.update({"_id": id}, {"$unset": {"is_starting": ""}})

    async def note_pause(self, id: str, pause: AutomaticPause) -> None:
        """Once for each cause."""
        match = {"_id": id, "pauses.cause": {"$ne": pause.cause}}
        await self.update(match, {"$push": {"pauses": pause.model_dump(exclude_none=True)}})

    async def note_resumed(self, id: str, by: str) -> None:
        """Its open pauses no longer hold it."""
        values = {"pauses.$[open].resumed_at": now(), "pauses.$[open].resumed_by": by}
        with database_errors():
            await self.collection.update_one(
                {"_id": id}, {"$set": values}, array_filters=[{"open.resumed_at": {"$exists": False}}]
            )

    async def change(self, before: OutboundMessage, values: Mapping[str, Any]) -> OutboundMessage | None:
        """The draft with these values; None: another teammate changed it meanwhile, or it is no longer a draft."""
        after = before.model_copy(update={**values, "version": before.version + 1, "updated_at": now()})
        match = {"_id": before.id, "version": before.version, "ordered_at": {"$exists": False}}
        with database_errors():
            done = await self.collection.update_one(match, {"$set": after.stored()})
        return after if done.matched_count else None

    async def running(self) -> list[OutboundMessage]:
        """Chat messages that are shown to those who match, the oldest first. Their number is limited."""
        match = {"is_running": True, "chat.ends_at": {"$not": {"$lte": now()}}}
        return await self.find(match, sort=[("ordered_at", 1)], limit=MOST_RUNNING + 1)

    async def stop_ended(self) -> None:
        """Those that ended by themselves no longer run, so that `running` doesn't read more and more of them."""
        with database_errors():
            await self.collection.update_many(
                {"is_running": True, "chat.ends_at": {"$lte": now()}}, {"$unset": {"is_running": ""}}
            )

    async def run(self, id: str, *, is_running: bool) -> bool:
        """Pauses a chat message that was started, or resumes it. False: it ended."""
        change = {"$set": {"is_running": True}} if is_running else {"$unset": {"is_running": ""}}
        return await self._change_started(id, change)

    async def end(self, id: str, at: datetime) -> bool:
        return await self._change_started(id, {"$set": {"ended_at": at}, "$unset": {"is_running": ""}})

    async def _change_started(self, id: str, change: Mapping[str, Any]) -> bool:
        was = {"chat": {"$exists": True}, "ordered_at": {"$exists": True}, "ended_at": {"$exists": False}}
        with database_errors():
            return bool((await self.collection.update_one({"_id": id, **was}, change)).matched_count)
