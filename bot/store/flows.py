"""Flows and their published versions."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from bot.model.flow import Flow, FlowVersion, version_id
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
        order = [("state", 1), ("order", 1), ("created_at", 1)]
        return await self.find({"state": {"$in": ["live", "paused"]}}, sort=order, limit=limit)


class FlowVersionRepository(Repository[FlowVersion]):
    """Inserted, never changed."""

    name = "flow_versions"
    model = FlowVersion

    async def newest(self, flow: str, *, before: int | None = None, limit: int) -> list[FlowVersion]:
        """The newest versions first, from `before` down."""
        most = f"{flow};" if before is None else version_id(flow, before)
        return await self.find({"_id": {"$gt": f"{flow}:", "$lt": most}}, sort=[("_id", -1)], limit=limit)
