"""Requests to the API with an `Idempotency-Key`."""

from __future__ import annotations

from datetime import datetime, timedelta

from pymongo import ASCENDING, IndexModel

from bot.model.api_request import ApiRequest
from bot.store.driver import database_errors
from bot.store.repository import Repository

KEPT = timedelta(days=1)
"""How long a key is known."""


class ApiRequestRepository(Repository[ApiRequest]):
    name = "api_requests"
    model = ApiRequest
    indexes = (
        IndexModel([("at", ASCENDING)], expireAfterSeconds=int(KEPT.total_seconds())),
        IndexModel([("contacts", ASCENDING)]),
    )

    async def take_over(self, found: ApiRequest, claim: str, until: datetime) -> bool:
        """Claims a request whose claim has expired. False: another process was first."""
        match = {"_id": found.id, "claim": found.claim, "claimed_until": found.claimed_until}
        with database_errors():
            done = await self.collection.update_one(match, {"$set": {"claim": claim, "claimed_until": until}})
        return bool(done.modified_count)
