"""Who got which chat message."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel

from bot.model.chat_delivery import ChatDelivery
from bot.store.driver import READ_MS, database_errors
from bot.store.repository import Repository

_DISMISSED = {"partialFilterExpression": {"dismissed_at": {"$exists": True}}}


class ChatDeliveryRepository(Repository[ChatDelivery]):
    name = "chat_deliveries"
    model = ChatDelivery
    indexes = (
        IndexModel([("contact", ASCENDING), ("message", ASCENDING)]),
        IndexModel([("message", ASCENDING), ("part", ASCENDING)]),
        IndexModel([("message", ASCENDING), ("dismissed_at", ASCENDING)], **_DISMISSED),
        IndexModel([("lapses_at", ASCENDING)], partialFilterExpression={"lapses_at": {"$exists": True}}),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    )

    async def of(self, contact: str, messages: Collection[str]) -> list[ChatDelivery]:
        """The contact's copies of these messages, also those of contacts who were merged into this one."""
        return await self.find({"contact": contact, "message": {"$in": [*messages]}}, limit=10 * len(messages) + 1)

    async def merged(self, message: str, contacts: Collection[str]) -> set[str]:
        """Those of these contacts whose copy of the message was another contact's, or a visitor's."""
        theirs = {"contact": {"$in": [*contacts]}, "message": message}
        with database_errors():
            found = await self.collection.find(theirs, {"contact": 1}, max_time_ms=READ_MS).to_list(None)
        return {raw["contact"] for raw in found if raw["_id"] != ChatDelivery.id_of(message, raw["contact"])}

    async def placed(self, parts: Mapping[str, str]) -> None:
        """By copy, its last entry."""
        await self.update_many([({"_id": id}, {"$set": {"part": part}}) for id, part in parts.items()])

    async def dismiss(self, contact: str, message: str, at: datetime) -> bool:
        """The first time counts. False: they have no copy of the message."""
        theirs = {"contact": contact, "message": message}
        first = {"$set": {"dismissed_at": {"$ifNull": ["$dismissed_at", at]}}}
        with database_errors():
            return bool((await self.collection.update_many(theirs, [first])).matched_count)

    async def move(self, contact: str, to: str, messages: Collection[str]) -> None:
        """The contact's copies of these messages."""
        theirs = {"contact": contact, "message": {"$in": [*messages]}}
        with database_errors():
            await self.collection.update_many(theirs, {"$set": {"contact": to}})

    async def lapsed(self, time: datetime, *, limit: int) -> list[ChatDelivery]:
        """Those that are to be forgotten, unless their contact is stored."""
        return await self.find({"lapses_at": {"$lte": time}}, sort=[("lapses_at", 1)], limit=limit)

    async def forget(self, copies: Mapping[str, bool], time: datetime) -> None:
        """By copy, whether it is deleted at this time; False: it never is."""
        never = {"$unset": {"lapses_at": ""}}
        await self.update_many(
            [({"_id": id}, {"$set": {"expires_at": time}, **never} if ends else never) for id, ends in copies.items()]
        )

    async def dismissed(self, contact: str, messages: Collection[str]) -> set[str]:
        """Those of these messages that the contact dismissed."""
        return {copy.message for copy in await self.of(contact, messages) if copy.dismissed_at}

    async def count(self, message: str) -> tuple[int, int]:
        """Counts of people who saw it and who dismissed it."""
        shown = {"message": message, "part": {"$gt": ""}}
        return await self._count(shown), await self._count({"message": message, "dismissed_at": {"$exists": True}})

    async def _count(self, match: Mapping[str, Any]) -> int:
        with database_errors():
            return int(await self.collection.count_documents(match, maxTimeMS=READ_MS))
