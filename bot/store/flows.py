"""Flows and their published versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import ASCENDING, IndexModel

from bot.model.base import now
from bot.model.flow import Flow, FlowDraft, FlowVersion, version_id
from bot.store.driver import READ_MS, Duplicate, database_errors
from bot.store.repository import Repository


class FlowRepository(Repository[Flow]):
    name = "flows"
    model = Flow
    indexes = (IndexModel([("state", ASCENDING), ("order", ASCENDING), ("created_at", ASCENDING)]),)
    old_indexes = frozenset({"state_1_trigger_1_created_at_1"})

    async def live(self, *, limit: int = 500) -> list[Flow]:
        """In the order in which they are tried."""
        order = [("state", 1), ("order", 1), ("created_at", 1)]
        return await self.find({"state": "live"}, sort=order, limit=limit)

    async def in_use(self, *, limit: int = 1000) -> list[Flow]:
        """Live and paused ones."""
        return await self._in_states("live", "paused", limit=limit)

    async def present(self, *, limit: int) -> list[Flow]:
        """All that aren't removed."""
        return await self._in_states("draft", "live", "paused", limit=limit)

    async def change(self, id: str, values: Mapping[str, Any], *, only: str | None = None) -> bool:
        """Unless it was removed; `only`: if it is in this state. False: it isn't."""
        match = {"_id": id, "state": only or {"$ne": "removed"}}
        with database_errors():
            done = await self.collection.update_one(match, {"$set": {**values, "updated_at": now()}})
        return bool(done.matched_count)

    async def _in_states(self, *states: str, limit: int) -> list[Flow]:
        order = [("state", 1), ("order", 1), ("created_at", 1)]
        return await self.find({"state": {"$in": [*states]}}, sort=order, limit=limit)


class FlowVersionRepository(Repository[FlowVersion]):
    """Inserted, never changed."""

    name = "flow_versions"
    model = FlowVersion

    async def newest(self, flow: str, *, before: int | None = None, limit: int) -> list[FlowVersion]:
        """The newest versions first, from `before` down."""
        most = f"{flow};" if before is None else version_id(flow, before)
        return await self.find({"_id": {"$gt": f"{flow}:", "$lt": most}}, sort=[("_id", -1)], limit=limit)

    async def heads(self, flows: Iterable[Flow]) -> dict[str, FlowVersion]:
        """The published version of each of these flows, by flow, without its steps."""
        ids = [version_id(flow.id, flow.version) for flow in flows]
        cursor = self.collection.find({"_id": {"$in": ids}}, {"document.steps": 0}, max_time_ms=READ_MS)
        with database_errors():
            found = [FlowVersion.load(raw) for raw in await cursor.to_list(len(ids) or 1)]
        return {version.flow: version for version in found}


class FlowDraftRepository(Repository[FlowDraft]):
    name = "flow_drafts"
    model = FlowDraft

    async def save(self, draft: FlowDraft, after: int) -> bool:
        """Stores it behind this revision; 0: none is stored. False: another writer was faster."""
        if not after:
            try:
                await self.insert(draft)
            except Duplicate:
                return False
            return True
        match = {"_id": draft.id, "revision": after}
        with database_errors():
            done = await self.collection.update_one(match, {"$set": draft.stored()})
        return bool(done.matched_count)
