"""Likely revocations that teammates decide on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.opt_out_request import OptOutRequest, RequestState
from bot.model.paging import Cursor
from bot.store.driver import READ_MS, database_errors
from bot.store.paging import following
from bot.store.repository import Repository


class OptOutRequestRepository(Repository[OptOutRequest]):
    name = "opt_out_requests"
    model = OptOutRequest
    indexes = (
        IndexModel([("state", ASCENDING), ("due_at", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("contact", ASCENDING), ("state", ASCENDING)]),
        IndexModel([("number", ASCENDING), ("state", ASCENDING)]),
        IndexModel([("state", ASCENDING), ("settled_at", DESCENDING)]),
    )

    async def due_first(self, after: Cursor | None, *, limit: int) -> list[OptOutRequest]:
        """Open ones, in the order in which they are due, by that time and id."""
        order = [("due_at", 1), ("_id", 1)]
        match = {"state": RequestState.OPEN, **following(order, after)}
        return await self.find(match, sort=[("state", 1), *order], limit=limit)

    async def count_open(self, *, due_before: datetime | None = None, most: int) -> int:
        """At most `most`."""
        match: dict[str, Any] = {"state": RequestState.OPEN, **({"due_at": {"$lt": due_before}} if due_before else {})}
        with database_errors():
            return int(await self.collection.count_documents(match, limit=most, maxTimeMS=READ_MS))

    async def open_of(self, contacts: Collection[str], numbers: Collection[str] = ()) -> list[OptOutRequest]:
        """About these contacts, or from these numbers."""
        mine: list[dict[str, Any]] = [{"contact": {"$in": [*contacts]}, "state": RequestState.OPEN}]
        if numbers:
            mine.append({"number": {"$in": [*numbers]}, "state": RequestState.OPEN})
        return await self.find({"$or": mine}, limit=10_000)

    async def settle(self, id: str, values: Mapping[str, Any], *, states: Collection[RequestState]) -> None:
        """Unless a teammate has decided before; an opt-out overrules a dismissal."""
        undecided = [{"by": {"$exists": False}}, {"state": RequestState.DISMISSED}]
        await self.update({"_id": id, "state": {"$in": [*states]}, "$or": undecided}, {"$set": dict(values)})

    async def honored_since(self, time: datetime, *, limit: int) -> list[OptOutRequest]:
        """The newest first."""
        match = {"state": RequestState.HONORED, "settled_at": {"$gte": time}}
        return await self.find(match, sort=[("state", -1), ("settled_at", -1)], limit=limit)
