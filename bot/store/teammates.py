"""Teammates."""

from __future__ import annotations

from typing import Any

from pymongo import ASCENDING, IndexModel

from bot.model.teammate import Teammate, TeammateRole
from bot.store.repository import Repository

PRESENT: dict[str, Any] = {"email": {"$gt": ""}, "removed_at": {"$exists": False}}
"""Teammates who are not removed, by the index of their emails."""


class TeammateRepository(Repository[Teammate]):
    name = "teammates"
    model = Teammate
    indexes = (IndexModel([("email", ASCENDING)], unique=True),)

    async def by_email(self, email: str) -> Teammate | None:
        return await self.find_one({"email": email})

    async def present(self, *, limit: int) -> list[Teammate]:
        """Those who are not removed, sorted by email."""
        return await self.find(PRESENT, sort=[("email", 1)], limit=limit)

    async def admins(self, *, limit: int) -> list[Teammate]:
        return await self.find({**PRESENT, "role": TeammateRole.ADMIN}, sort=[("email", 1)], limit=limit)
