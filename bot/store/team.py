"""The repositories of those who work with Sayso: teammates, their sessions, their API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel

from bot.model.teammate import ApiToken, Session, Teammate, TeammateRole
from bot.store.answering import answering
from bot.store.table import Table

PRESENT: dict[str, Any] = {"email": {"$gt": ""}, "removed_at": {"$exists": False}}
"""Teammates who were not removed, by the index of their addresses."""


class Teammates(Table[Teammate]):
    name = "teammates"
    model = Teammate
    indexes = (IndexModel([("email", ASCENDING)], unique=True),)

    async def by_email(self, email: str) -> Teammate | None:
        return await self.find_one({"email": email})

    async def present(self, *, limit: int) -> list[Teammate]:
        """Those who were not removed, in order of their addresses."""
        return await self.find(PRESENT, sort=[("email", 1)], limit=limit)

    async def admins(self, *, limit: int) -> list[Teammate]:
        return await self.find({**PRESENT, "role": TeammateRole.ADMIN}, sort=[("email", 1)], limit=limit)


class Sessions(Table[Session]):
    name = "sessions"
    model = Session
    indexes = (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)

    async def end(self, id: str, at: datetime) -> None:
        """It is good for nothing from now on, and is gone when the database tidies up next."""
        await self.update({"_id": id}, {"$set": {"ended_at": at, "expires_at": at}})


class ApiTokens(Table[ApiToken]):
    name = "api_tokens"
    model = ApiToken
    indexes = (IndexModel([("teammate", ASCENDING)]),)

    async def revoke_all(self, teammate: str, at: datetime) -> None:
        with answering():
            await self.collection.update_many(
                {"teammate": teammate, "revoked_at": {"$exists": False}}, {"$set": {"revoked_at": at}}
            )
