"""The workspace: one document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.errors import StoreUnavailable
from bot.model.workspace import Workspace
from bot.store.driver import database_errors
from bot.store.repository import Repository


class WorkspaceRepository(Repository[Workspace]):
    name = "workspaces"
    model = Workspace

    async def save(self, workspace: Workspace) -> None:
        """Takes the place of what is kept."""
        with database_errors():
            await self.collection.update_one({"_id": workspace.id}, {"$set": workspace.stored()}, upsert=True)

    async def change(self, values: Mapping[str, Any]) -> Workspace:
        """Sets these fields and no others; answers what was there before."""
        with database_errors():
            before = await self.collection.find_one_and_update({"_id": "workspace"}, {"$set": dict(values)})
        if before is None:
            raise StoreUnavailable
        return Workspace.load(before)
