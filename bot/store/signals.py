"""Signals: who types, who has read. They expire after a minute."""

from __future__ import annotations

from datetime import datetime, timedelta

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.signal import Signal
from bot.store.repository import Repository

LIVES = timedelta(minutes=1)
"""How long a signal is kept."""


class SignalRepository(Repository[Signal]):
    """Inserted, delivered by the change stream, and expired."""

    name = "signals"
    model = Signal
    indexes = (
        IndexModel([("at", ASCENDING)], expireAfterSeconds=int(LIVES.total_seconds())),
        IndexModel([("conversation", ASCENDING), ("at", DESCENDING)]),
    )

    async def since(self, conversation: str, time: datetime, *, limit: int = 200) -> list[Signal]:
        """In the order of their time."""
        match = {"conversation": conversation, "at": {"$gt": time}}
        return (await self.find(match, sort=[("conversation", 1), ("at", -1)], limit=limit))[::-1]
