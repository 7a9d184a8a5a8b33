"""Who got which chat message."""

from __future__ import annotations

from collections.abc import Collection

from pymongo import ASCENDING, IndexModel

from bot.model.chat_delivery import ChatDelivery
from bot.store.driver import READ_MS, database_errors
from bot.store.repository import Repository


class ChatDeliveryRepository(Repository[ChatDelivery]):
    name = "chat_deliveries"
    model = ChatDelivery
    indexes = (
        IndexModel([("contact", ASCENDING), ("message", ASCENDING)]),
        IndexModel([("message", ASCENDING), ("part", ASCENDING)]),
    )

    async def of(self, contact: str, messages: Collection[str]) -> list[ChatDelivery]:
        """The contact's copies of these messages, also those of contacts who were merged into this one."""
        return await self.find({"contact": contact, "message": {"$in": [*messages]}}, limit=10 * len(messages) + 1)

    async def placed(self, id: str, part: str) -> None:
        await self.update({"_id": id}, {"$set": {"part": part}})

    async def count_shown(self, message: str) -> int:
        match = {"message": message, "part": {"$gt": ""}}
        with database_errors():
            return int(await self.collection.count_documents(match, maxTimeMS=READ_MS))
