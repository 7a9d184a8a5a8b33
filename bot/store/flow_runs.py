"""Runs of flows, one a conversation."""

from __future__ import annotations

from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel

from bot.aio.batching import Gather
from bot.model.flow import FlowRun
from bot.store.table import Table


class FlowRuns(Table[FlowRun]):
    name = "flow_runs"
    model = FlowRun
    indexes = (IndexModel([("waiting_for", ASCENDING)], partialFilterExpression={"waiting_for": {"$exists": True}}),)

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._waiting = Gather(self._waiting_round)

    async def waiting_for(self, part: str) -> FlowRun | None:
        return await self._waiting(part)

    async def _waiting_round(self, parts: list[str]) -> list[FlowRun | None]:
        found = await self.find({"waiting_for": {"$in": parts}}, limit=len(parts))
        by_part = {run.waiting_for: run for run in found}
        return [by_part.get(part) for part in parts]
