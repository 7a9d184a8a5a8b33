"""The workspace: one document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.errors import StoreUnavailable
from bot.model.canvas_card import CanvasSecret
from bot.model.country_sender import CountrySender
from bot.model.segment_price import SegmentPrice
from bot.model.workspace import IdentitySecret, Workspace
from bot.store.driver import database_errors
from bot.store.repository import Repository


class WorkspaceRepository(Repository[Workspace]):
    name = "workspaces"
    model = Workspace

    async def save(self, workspace: Workspace) -> None:
        """Replaces the stored one."""
        with database_errors():
            await self.collection.update_one({"_id": workspace.id}, {"$set": workspace.stored()}, upsert=True)

    async def change(self, values: Mapping[str, Any]) -> Workspace:
        """Sets these fields and no others; returns the document from before."""
        with database_errors():
            before = await self.collection.find_one_and_update({"_id": "workspace"}, {"$set": dict(values)})
        if before is None:
            raise StoreUnavailable
        return Workspace.load(before)

    async def add_secret(
        self, secret: IdentitySecret | CanvasSecret, *, most: int, field: str = "identity_secrets"
    ) -> bool:
        """False: there are `most` already, or this one."""
        room = {"_id": "workspace", f"{field}.{most - 1}": {"$exists": False}, f"{field}.id": {"$ne": secret.id}}
        return await self._changes(room, {"$push": {field: secret.model_dump(exclude_none=True)}})

    async def remove_secret(self, id: str, *, field: str = "identity_secrets") -> bool:
        """False: it wasn't there."""
        match = {"_id": "workspace", f"{field}.id": id}
        return await self._changes(match, {"$pull": {field: {"id": id}}})

    async def set_sender(self, sender: CountrySender) -> None:
        """Replaces the one of its country, in one step."""
        is_other = {"$ne": ["$$this.country", sender.country]}
        others = {"$filter": {"input": {"$ifNull": ["$senders", []]}, "cond": is_other}}
        row = {"$literal": [sender.model_dump(mode="json")]}
        with database_errors():
            change = [{"$set": {"senders": {"$concatArrays": [others, row]}}}]
            await self.collection.update_one({"_id": "workspace"}, change)

    async def remove_sender(self, country: str) -> bool:
        """False: there was none."""
        match = {"_id": "workspace", "senders.country": country}
        return await self._changes(match, {"$pull": {"senders": {"country": country}}})

    async def set_price(self, price: SegmentPrice, currency: str) -> None:
        """Replaces the one of its country, in one step."""
        is_other = {"$ne": ["$$this.country", price.country]}
        others = {"$filter": {"input": {"$ifNull": ["$prices", []]}, "cond": is_other}}
        row = {"$literal": [price.model_dump(mode="json")]}
        with database_errors():
            change = [{"$set": {"prices": {"$concatArrays": [others, row]}, "currency": currency}}]
            await self.collection.update_one({"_id": "workspace"}, change)

    async def remove_price(self, country: str) -> bool:
        """False: there was none."""
        match = {"_id": "workspace", "prices.country": country}
        return await self._changes(match, {"$pull": {"prices": {"country": country}}})

    async def secret_used(self, id: str, at: datetime) -> None:
        match = {"_id": "workspace", "identity_secrets.id": id}
        await self._changes(match, {"$set": {"identity_secrets.$.last_used_at": at}})

    async def adopt_secret(self, first: IdentitySecret) -> None:
        """Replaces the only one that version 0.1 had."""
        change = {
            "$set": {"identity_secrets": [first.model_dump(exclude_none=True)]},
            "$unset": {"identity_secret": ""},
        }
        await self._changes({"_id": "workspace", "identity_secret": first.secret}, change)

    async def _changes(self, match: Mapping[str, Any], change: Mapping[str, Any]) -> bool:
        with database_errors():
            return bool((await self.collection.update_one(match, change)).matched_count)
