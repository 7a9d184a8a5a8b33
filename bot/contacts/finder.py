"""Lists, counts and walks the contacts that match a filter: the one way for pages, segments, jobs and exports.

Each page is one query. If a condition matches few people, its index finds them and the database sorts them; otherwise
it walks the index of the sort order until the page is full.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import ceil, isqrt

from async_lru import alru_cache

from bot.contacts.filters import TERMS, Clause, FilterFacts, Mongo, Query, all_of, begins, compile
from bot.errors import FilterTooBroad, Invalid
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.filter import Filter
from bot.model.paging import Cursor, Key, Page
from bot.store import Store
from bot.store.paging import following

NARROW = 5_000
"""People that are fetched to be sorted, and up to which a count is exact."""
FREQUENT = 40_000
"""People with a word whose ids are compared with those of another word."""
SAMPLE = 5_000
"""The sample size of an estimated count."""
STARTS = tuple(f"{n:02x}" if n else "" for n in range(0, 256, 8))
"""Where the parts of a sample begin. Ids are random, so the parts are a random sample. There are many of them because a
job goes through the ids in their order: what it has done must count for as much as it is."""
COUNT_MS, PAGE_MS, WALK_MS = 250, 2000, 7000
"""Time limits: of an exact count where an estimate is at hand, of what a page waits for, and of a step of a job."""


LEAD_SECONDS = 10.0
"""How long the leading condition is cached: each page, count and batch needs it."""
IDS_SECONDS = 1.0
"""How long the ids of a search are cached for a page and its count. Jobs, exports and previews read them again, so that
they include contacts that were just added."""


class SortBy(StrEnum):
    CREATED = "created"
    LAST_SEEN = "last_seen"
    NAME = "name"


FIELDS: dict[SortBy, tuple[str, type[Key]]] = {
    SortBy.CREATED: ("created_at", datetime),
    SortBy.LAST_SEEN: ("seen_key", datetime),
    SortBy.NAME: ("name_key", str),
}


@dataclass(frozen=True, slots=True)
class Sort:
    by: SortBy = SortBy.CREATED
    is_down: bool = True

    @classmethod
    def parse(cls, text: str) -> Sort:
        """`-created` is the newest first. Invalid text gives the default."""
        name = text.removeprefix("-")
        return cls(SortBy(name), text.startswith("-")) if name in [*SortBy] else cls()

    def __str__(self) -> str:
        return f"{'-' if self.is_down else ''}{self.by}"

    @property
    def field(self) -> str:
        return FIELDS[self.by][0]

    @property
    def order(self) -> list[tuple[str, int]]:
        direction = -1 if self.is_down else 1
        return [(self.field, direction), ("_id", direction)]

    @property
    def kinds(self) -> tuple[type[Key], type[Key]]:
        """Of the keys of its cursors."""
        return FIELDS[self.by][1], str

    def cursor(self, text: str) -> Cursor | None:
        """Raises Invalid."""
        return Cursor.parse(text, *self.kinds)

    def keys(self, contact: Contact) -> tuple[Key, ...]:
        return getattr(contact, self.field), contact.id


NEWEST = Sort()


@dataclass(frozen=True, slots=True)
class ContactCount:
    number: int
    is_exact: bool
    """False: an estimate, rounded to two significant digits."""


class ContactFinder:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._contacts = store.contacts
        self._lead = alru_cache(maxsize=1000, ttl=LEAD_SECONDS)(self._find_lead)
        self._ids_with = alru_cache(maxsize=16, ttl=IDS_SECONDS)(self._find_ids)

    async def page(
        self, filter: Filter, sort: Sort = NEWEST, cursor: Cursor | None = None, limit: int = 50
    ) -> Page[Contact]:
        """Raises Invalid, and FilterTooBroad if finding the matches takes too long."""
        query = await self.compiled(filter)
        return await self._page(query, await self._lead(filter), sort, cursor, limit)

    async def searched(
        self, query: Query, sort: Sort, cursor: Cursor | None, limit: int
    ) -> tuple[Page[Contact], ContactCount]:
        """A page of what a search by a program matches, and how many there are. Raises FilterTooBroad."""
        lead = await self._lead_of(query)
        return await self._page(query, lead, sort, cursor, limit), await self._count(query, lead)

    async def count(self, filter: Filter) -> ContactCount:
        """Exact up to NARROW, then an estimate. Raises Invalid and FilterTooBroad."""
        if filter.is_everybody:
            number = await self._contacts.count_about()
            if number > NARROW:
                return ContactCount(_rounded(number), is_exact=False)
        return await self._count(await self.compiled(filter), await self._lead(filter))

    async def _page(
        self, query: Query, lead: Clause | None, sort: Sort, cursor: Cursor | None, limit: int
    ) -> Page[Contact]:
        match, hint = await self._led_by(lead, all_of([query.match, following(sort.order, cursor)]), sort.field)
        found = await self._contacts.matching(match, sort=sort.order, limit=limit + 1, hint=hint, time_limit=PAGE_MS)
        return Page.cut(found, limit, sort.keys)

    async def _count(self, query: Query, lead: Clause | None) -> ContactCount:
        estimate = None if lead else await self._estimate(query)
        if estimate and (estimate.is_exact or estimate.number > NARROW):
            return estimate
        match, hint = await self._led_by(lead, query.match, "_id_")
        try:
            number = await self._contacts.count_matching(
                match, limit=NARROW + 1, hint=hint, time_limit=PAGE_MS if lead else COUNT_MS
            )
        except FilterTooBroad:
            if estimate is None:
                raise
            return estimate
        return ContactCount(number, is_exact=True) if number <= NARROW else estimate or ContactCount(NARROW, False)

    async def ids(self, filter: Filter, after: str = "", limit: int = 500) -> list[str]:
        """The next matching ids in their order, for jobs. Raises Invalid and FilterTooBroad."""
        query = await self.compiled(filter)
        match = all_of([query.match, {"_id": {"$gt": after}}])
        lead = await self._lead(filter) or await self._lead(filter, await self._scarce(limit))
        match, hint = await self._led_by(lead, match, "_id_", is_fresh=True)
        return await self._contacts.ids_matching(match, limit=limit, hint=hint, time_limit=WALK_MS)

    async def sample(self, filter: Filter, limit: int) -> list[Contact]:
        """Some who match, in the order of their ids."""
        found = await self.ids(filter, limit=limit)
        contacts = await self._contacts.get_many(found)
        return [contacts[id] for id in found if id in contacts]

    async def among(self, filter: Filter, ids: Iterable[str]) -> set[str]:
        """The ids among these that match now."""
        wanted, query = list(dict.fromkeys(ids)), await self.compiled(filter)
        match = all_of([{"_id": {"$in": wanted}}, query.match])
        found = await self._contacts.ids_matching(match, limit=len(wanted), hint="_id_", time_limit=PAGE_MS)
        return set(found)

    async def filters_matching(self, filters: Mapping[str, Filter], contact: str) -> set[str]:
        """The keys of those filters that the contact matches now, in one query. A filter that names something that no
        longer exists matches nobody."""
        found = {key for key, filter in filters.items() if filter.is_everybody}
        queries = dict[str, Mongo]()
        for key in filters.keys() - found:
            with suppress(Invalid):
                queries[key] = (await self.compiled(filters[key])).match
        if queries:
            found |= await self._contacts.matching_queries(queries, contact, time_limit=PAGE_MS)
        return found

    async def compiled(self, filter: Filter) -> Query:
        """Raises Invalid."""
        return compile(filter, await self.facts())

    async def facts(self) -> FilterFacts:
        """What conditions may refer to."""
        subscriptions, attributes = await asyncio.gather(self._store.subscriptions.all(), self._store.attributes.all())
        return FilterFacts({s.id: s for s in subscriptions}, {a.key: a for a in attributes}, now())

    async def _scarce(self, limit: int) -> int:
        """Of so many people, it costs less to read all of them than to walk through everybody until `limit` are
        found."""
        return isqrt(limit * await self._contacts.count_about())

    async def _find_lead(self, filter: Filter, most: int = 0) -> Clause | None:
        return await self._lead_of(await self.compiled(filter), most)

    async def _lead_of(self, query: Query, most: int = 0) -> Clause | None:
        """The condition that matches the fewest people; None: each matches more than `most` and NARROW."""
        most = max(most, NARROW)
        counts = await asyncio.gather(*(self._count_of(clause, most) for clause in query.leads))
        few = [(number, i) for i, number in enumerate(counts) if number <= most]
        return query.leads[min(few)[1]] if few else None

    async def _count_of(self, clause: Clause, most: int) -> int:
        """At most `most` + 1, which is also the answer where counting takes too long."""
        if (ids := await self._ids_with(clause.words)) is not None:
            return min(len(ids), most + 1)
        try:
            return await self._contacts.count_matching(
                clause.match, limit=most + 1, hint=clause.index or None, time_limit=PAGE_MS
            )
        except FilterTooBroad:
            return most + 1

    async def _led_by(
        self, lead: Clause | None, match: Mongo, otherwise: str, *, is_fresh: bool = False
    ) -> tuple[Mongo, str | None]:
        """The query, and its index: the condition that leads, or else the one of the order."""
        if lead is None:
            return match, otherwise
        ids = await (self._find_ids if is_fresh else self._ids_with)(lead.words)
        if ids is None:
            return match, lead.index or None  # a union of indexes can't be named
        return all_of([{"_id": {"$in": sorted(ids)}}, match]), "_id_"

    async def _find_ids(self, words: tuple[str, ...]) -> set[str] | None:
        """Ids of the contacts that have all the words, read from the index alone: few people share two frequent names.
        If some words are rare, of those that have these; if all are frequent, of those that have the two longest, or
        else some of the others. None if there is one word only, or each is too frequent."""
        if len(words) < 2:
            return None
        for most, some in ((NARROW, words), (FREQUENT, words[:2]), (FREQUENT, words[2:])):
            found = await asyncio.gather(
                *(self._contacts.ids_with_word(begins(word), limit=most + 1, hint=TERMS) for word in some)
            )
            if rare := [ids for ids in found if len(ids) <= most]:
                return set.intersection(*rare)
        return None

    async def _estimate(self, query: Query) -> ContactCount:
        everybody = await self._contacts.count_about()
        is_exact = everybody <= SAMPLE
        starts = STARTS[:1] if is_exact else STARTS
        hits, seen = await self._contacts.matching_of_some(
            starts, ceil(SAMPLE / len(starts)), query.match, time_limit=PAGE_MS
        )
        return ContactCount(hits if is_exact else _rounded(everybody * hits // max(seen, 1)), is_exact)


def _rounded(number: int) -> int:
    """Two digits that count."""
    return round(number, -max(len(str(number)) - 2, 0))
