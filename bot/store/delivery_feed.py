"""All texts since a cursor, for readers of the feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.model.delivery import Delivery
from bot.model.paging import Cursor
from bot.store.driver import READ_MS, in_time
from bot.store.paging import following
from bot.store.repository import Repository

SLICE = 5000
"""Texts among which one request looks for values that no index is ordered by."""
LEADS = ("contact", "message")
"""Fields with an index by time."""


class DeliveryFeedRepository(Repository[Delivery]):
    async def since(
        self, after: Cursor | None, until: datetime, only: Mapping[str, str], *, limit: int
    ) -> tuple[list[Delivery], Cursor | None]:
        """The oldest first, by time and id, of those created before `until`, and where to continue. `only`: fields with
        their values. It looks at up to `SLICE` texts, so that more may follow although none is found. Raises
        FilterTooBroad."""
        order = [("created_at", 1), ("_id", 1)]
        lead = next((name for name in LEADS if name in only), None)
        led = {lead: only[lead]} if lead else {}
        others = {name: value for name, value in only.items() if name != lead}
        hint = f"{lead}_1_created_at_-1__id_-1" if lead else "created_at_-1__id_-1"
        parts = [{**led, "created_at": {"$lt": until}}, following(order, after)]
        end = await self._end_of_slice(parts, order, hint) if others else None
        parts += [others, {"created_at": {"$lte": end[0]}} if end else {}]
        found = await self.matching({"$and": parts}, sort=order, limit=limit, hint=hint, time_limit=READ_MS)
        places = [(one.created_at, one.id) for one in found[-1:]]
        if end and len(found) < limit:  # texts after its end, of the same millisecond, were looked at, too
            places.append(end)
        return found, Cursor(max(places)) if places else after

    async def _end_of_slice(
        self, parts: Sequence[Mapping[str, Any]], order: Sequence[tuple[str, int]], hint: str
    ) -> tuple[datetime, str] | None:
        """From the index alone. None: fewer texts are left."""
        cursor = self.collection.find(
            {"$and": [*parts]},
            dict.fromkeys(("created_at", "_id"), 1),
            sort=[*order],
            skip=SLICE - 1,
            limit=1,
            max_time_ms=READ_MS,
        )
        with in_time():
            found = await cursor.hint(hint).to_list(1)
        return (found[0]["created_at"], found[0]["_id"]) if found else None
