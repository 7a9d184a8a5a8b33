"""Texts that the simulated phones sent; earlier versions also stored received ones here."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.delivery import PhoneText
from bot.store.repository import Repository


class PhoneTextRepository(Repository[PhoneText]):
    name = "phone_texts"
    model = PhoneText
    indexes = (
        IndexModel([("number", ASCENDING), ("at", DESCENDING)]),
        IndexModel([("at", DESCENDING)]),
    )

    async def of(self, number: str, *, limit: int) -> list[PhoneText]:
        """The newest first."""
        return await self.find({"number": number}, sort=[("number", 1), ("at", -1)], limit=limit)

    async def newest(self, *, limit: int) -> list[PhoneText]:
        return await self.find({}, sort=[("at", -1)], limit=limit)
