"""Finds the conversations that a program searches for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from bot.chat.conversation_query import IN_INBOX, TIMES
from bot.contacts.filters import Clause, Query, all_of
from bot.contacts.finder import COUNT_MS, NARROW, PAGE_MS
from bot.errors import FilterTooBroad
from bot.model.conversation import Conversation
from bot.model.paging import Cursor, Page
from bot.store import Store
from bot.store.paging import following

EVERYTHING = Query(())


@dataclass(frozen=True, slots=True)
class ConversationSort:
    """`by`: `updated_at` or `created_at`."""

    by: str = "updated_at"
    is_down: bool = True

    @property
    def order(self) -> list[tuple[str, int]]:
        direction = -1 if self.is_down else 1
        return [(self.by, direction), ("_id", direction)]

    def keys(self, found: Conversation) -> tuple[datetime, str]:
        return cast(datetime, getattr(found, self.by)), found.id


RECENT = ConversationSort()


class ConversationFinder:
    def __init__(self, store: Store) -> None:
        self._table = store.conversations

    async def page(
        self, query: Query, sort: ConversationSort, cursor: Cursor | None, limit: int
    ) -> tuple[Page[Conversation], int | None]:
        """A page of those in the inbox, and how many match: exact up to NARROW; None: it takes too long to count.

        Where a condition matches few, its index finds them; else the index of the order is walked. Raises
        FilterTooBroad.
        """
        match = all_of([*(clause.match for clause in query.clauses), IN_INBOX])
        lead = await self._lead(query)
        hint = lead.index if lead else TIMES[sort.by][1]
        rest = all_of([match, following(sort.order, cursor)])
        found, count = await asyncio.gather(
            self._table.matching(rest, sort=sort.order, limit=limit + 1, hint=hint, time_limit=PAGE_MS),
            self._count(Clause(match, hint), COUNT_MS),
        )
        return Page.cut(found, limit, sort.keys), count

    async def _lead(self, query: Query) -> Clause | None:
        """The condition that matches the fewest; None: each matches many."""
        counts = await asyncio.gather(*(self._count(clause, PAGE_MS) for clause in query.leads))
        few = [(count, place) for place, count in enumerate(counts) if count is not None and count <= NARROW]
        return query.leads[min(few)[1]] if few else None

    async def _count(self, clause: Clause, time_limit: int) -> int | None:
        """At most one more than NARROW. None: it takes too long."""
        match = all_of([clause.match, IN_INBOX])
        try:
            return await self._table.count_matching(match, limit=NARROW + 1, hint=clause.index, time_limit=time_limit)
        except FilterTooBroad:
            return None
