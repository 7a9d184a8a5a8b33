"""Flows and their published versions."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from bot.model.flow import Flow, FlowVersion
from bot.store.repository import Repository


class FlowRepository(Repository[Flow]):
    name = "flows"
    model = Flow
    indexes = (IndexModel([("state", ASCENDING), ("trigger", ASCENDING), ("created_at", ASCENDING)]),)

    async def triggered_by(self, trigger: str) -> Flow | None:
        """The oldest live flow with this trigger."""
        order = [("state", 1), ("trigger", 1), ("created_at", 1)]
        return await self.find_one({"state": "live", "trigger": trigger}, sort=order)

    async def in_use(self, *, limit: int = 1000) -> list[Flow]:
        """Live and paused ones."""
        return await self.find({"state": {"$in": ["live", "paused"]}}, sort=[("state", 1), ("trigger", 1)], limit=limit)


class FlowVersionRepository(Repository[FlowVersion]):
    """Inserted, never changed."""

    name = "flow_versions"
    model = FlowVersion
