"""How many texts each sender may send now, for all workers together."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo import ReturnDocument

from bot.aio.retry import retried
from bot.model.sender_pace import SenderPace
from bot.store.driver import Duplicate, database_errors
from bot.store.repository import Repository

BURST_MS = 3000
"""Texts that may leave within this time leave at once. Longer than workers wait between two looks at the queue, or the
turns of that time would be lost."""


class SenderPaceRepository(Repository[SenderPace]):
    name = "sender_paces"
    model = SenderPace

    async def take(self, sender: str, time: datetime, rate: float, count: int) -> SenderPace:
        """Takes as many of `count` texts as the rate (texts a second) allows at this time. One atomic update."""

        async def attempt() -> SenderPace:
            with database_errors():
                found = await self.collection.find_one_and_update(
                    {"_id": sender},
                    _take(time.timestamp() * 1000, 1000 / rate, count),
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            if not found:  # the second embedded server's reply to whichever insert came second
                raise Duplicate
            return SenderPace.load(found)

        return await retried(attempt, Duplicate)  # two made the document at once: it exists now


def _take(time: float, each: float, count: int) -> list[dict[str, Any]]:
    room = {"$floor": {"$divide": [{"$subtract": [time + BURST_MS, "$free_at"]}, each]}}
    return [
        {"$set": {"free_at": {"$max": [{"$ifNull": ["$free_at", 0.0]}, time]}}},
        {"$set": {"granted": {"$toInt": {"$max": [0, {"$min": [count, {"$add": [room, 1]}]}]}}}},
        {"$set": {"free_at": {"$add": ["$free_at", {"$multiply": ["$granted", each]}]}}},
    ]
