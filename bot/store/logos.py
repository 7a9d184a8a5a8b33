"""Pictures of the brand."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING, IndexModel

from bot.model.workspace import Logo
from bot.store.driver import database_errors
from bot.store.repository import Repository


class LogoRepository(Repository[Logo]):
    """Pictures by the hash of their bytes. A replaced one expires later."""

    name = "logos"
    model = Logo
    indexes = (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)

    async def save(self, logo: Logo) -> None:
        """Also one that was replaced before: it no longer expires."""
        change = {"$set": logo.stored(), "$unset": {"expires_at": ""}}
        with database_errors():
            await self.collection.update_one({"_id": logo.id}, change, upsert=True)

    async def expire(self, id: str, at: datetime) -> None:
        await self.update({"_id": id}, {"$set": {"expires_at": at}})
