"""Results of the items of jobs, kept for 90 days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pymongo import ASCENDING, IndexModel

from bot.model.job import JobItem
from bot.model.paging import Cursor, Page
from bot.store.repository import Repository

KEPT_DAYS = 90


class JobItemRepository(Repository[JobItem]):
    name = "job_items"
    model = JobItem
    indexes = (
        IndexModel([("at", ASCENDING)], expireAfterSeconds=KEPT_DAYS * 86_400),
        IndexModel([("job", ASCENDING), ("outcome", ASCENDING), ("_id", ASCENDING)]),
    )

    async def add(self, items: Sequence[JobItem]) -> Counter[str]:
        """Returns how many of each outcome are stored for these items, including results of an earlier, interrupted run
        of the same batch."""
        inserted = await self.insert_many(items)
        counts = Counter(item.outcome for item, is_new in zip(items, inserted, strict=True) if is_new)
        earlier = await self.get_many(item.id for item, is_new in zip(items, inserted, strict=True) if not is_new)
        counts.update(item.outcome for item in earlier.values())
        return counts

    async def of(
        self, job: str, cursor: Cursor | None = None, *, outcome: str | None = None, limit: int
    ) -> Page[JobItem]:
        """In order of the items."""
        match: dict[str, Any] = {"_id": {"$gt": f"{job}:{cursor.keys[0] if cursor else ''}", "$lt": f"{job};"}}
        if outcome:
            match |= {"job": job, "outcome": outcome}
        order = [("job", 1), ("outcome", 1), ("_id", 1)] if outcome else [("_id", 1)]
        found = await self.find(match, sort=order, limit=limit + 1)
        return Page.cut(found, limit, lambda item: (item.item,))
