"""The change stream of contacts: whose document changed."""

from __future__ import annotations

from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

from bot.store.change_reader import WAIT_MS, ChangeReader, Token


class ContactStream(ChangeReader):
    """`async with ContactStream(database, token) as stream`: from a token, or from now on."""

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]], token: Token | None = None) -> None:
        written = {"$match": {"operationType": {"$in": ["insert", "update", "replace"]}}}
        super().__init__(database, "contacts", [written, {"$project": {"documentKey": 1}}], token)

    async def take(self, *, wait_ms: int = WAIT_MS) -> list[str]:
        """The contacts of the next changes, each once; at most BATCH. Waits if there are none."""
        changes = await self.take_raw(wait_ms=wait_ms)
        return list(dict.fromkeys(str(change["documentKey"]["_id"]) for change in changes))
