"""Texts of the simulated phones."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.delivery import PhoneText
from bot.store.repository import Repository


class PhoneTextRepository(Repository[PhoneText]):
    """What the simulated phones hold."""

    name = "phone_texts"
    model = PhoneText
    indexes = (
        IndexModel([("number", ASCENDING), ("at", DESCENDING)]),
        IndexModel([("at", DESCENDING)]),
    )

    async def of(self, number: str, *, limit: int = 100) -> list[PhoneText]:
        found = await self.find({"number": number}, sort=[("number", 1), ("at", -1)], limit=limit)
        return found[::-1]

    async def numbers(self, *, limit: int = 20) -> list[str]:
        """The numbers that were texted last, from the newest few hundred texts."""
        newest = await self.find({}, sort=[("at", -1)], limit=300)
        return list(dict.fromkeys(text.number for text in newest))[:limit]
