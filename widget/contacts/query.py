"""The view of the list that an address selects, so that it can be shared: filter or segment, order, columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiMapping

from bot.app import Bot
from bot.contacts.finder import NEWEST, Sort
from bot.errors import NotFound
from bot.errors import marked as _
from bot.model.filter import Filter
from bot.model.segment import Segment
from widget.web.http import BOT

MOST_WORDS = 200
DRAFT = re.compile("[0-9a-f]{24}")
LIST = "/contacts"
EVERYBODY = Filter()


async def asked_of(request: web.Request) -> ContactsQuery:
    """The view of a request that needs no other segments. Raises Invalid and NotFound."""
    return await asked_in(request.app[BOT], request.query)


async def asked_in(bot: Bot, query: MultiMapping[str]) -> ContactsQuery:
    """The view that this query of an address selects. Raises Invalid and NotFound."""
    segments = await bot.segments.all() if "segment" in query else []
    return ContactsQuery.of(query, {segment.id: segment for segment in segments})


@dataclass(frozen=True, slots=True)
class ContactsQuery:
    filter: Filter = EVERYBODY
    segment: Segment | None = None
    sort: Sort = NEWEST
    columns: tuple[str, ...] = ()
    """Keys; empty: the usual ones."""
    draft: str = ""
    """The draft of an outbound message whose audience it is; empty: the list itself."""

    @classmethod
    def of(cls, given: MultiMapping[str], segments: Mapping[str, Segment]) -> ContactsQuery:
        """`filter` and `q` of the address come before those of its segment. Raises Invalid and NotFound."""
        segment = None
        if id := given.get("segment", ""):
            segment = segments.get(id)
            if segment is None:
                raise NotFound(_("This segment doesn't exist or was archived."))
        filter = segment.filter if segment and "filter" not in given else Filter.from_text(given.get("filter", ""))
        words = given.get("q", filter.query).strip()[:MOST_WORDS]
        keys = (key for some in given.getall("columns", []) for key in some.split(",") if key)
        filter, sort = filter.model_copy(update={"query": words}), Sort.parse(given.get("sort", ""))
        draft = given.get("draft", "")
        return cls(filter, segment, sort, tuple(dict.fromkeys(keys)), draft if DRAFT.fullmatch(draft) else "")

    @property
    def is_changed(self) -> bool:
        """Whether the filter differs from its segment's."""
        return self.segment is not None and self.filter != self.segment.filter

    @property
    def fields(self) -> dict[str, str]:
        """As in the address; hidden fields of the forms that lead to another view."""
        sort = "" if self.sort == NEWEST else str(self.sort)
        shown = {"sort": sort, "columns": ",".join(self.columns), "draft": self.draft}
        filter = {"filter": self.filter.model_copy(update={"query": ""}).as_text(), "q": self.filter.query}
        if self.segment is None:
            return {name: value for name, value in {**filter, **shown}.items() if value}
        own = {"segment": self.segment.id, **(filter if self.is_changed else {})}
        return {**own, **{name: value for name, value in shown.items() if value}}

    def address(self, path: str = "", **other: str) -> str:
        """`path`: by default where the view is shown."""
        path, query = path or self.place, {**self.fields, **other}
        return f"{path}?{urlencode(query)}" if query else path

    @property
    def place(self) -> str:
        return f"/outbound/{self.draft}/filter" if self.draft else LIST

    def with_filter(self, filter: Filter) -> ContactsQuery:
        return replace(self, filter=filter)

    def sorted_by(self, sort: Sort) -> ContactsQuery:
        return replace(self, sort=sort)
