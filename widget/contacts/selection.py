"""The contacts that a form of the list selects: some of them by id, or all that match its filter.

A bulk action posts the form `#selection` of the list: `id` for each ticked row; or `everyone` and the `filter`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web

from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.filter import Filter

MOST = 1000
"""Contacts that are selected by id."""
ID = re.compile("[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class Selection:
    ids: tuple[str, ...] = ()
    filter: Filter | None = None
    """Not None: everybody who matches, and no `ids`."""

    @classmethod
    async def of(cls, request: web.Request) -> Selection:
        """Raises Invalid."""
        sent = await request.post()
        if sent.get("everyone"):
            return cls(filter=Filter.from_text(str(sent.get("filter", ""))))
        ids = tuple(dict.fromkeys(str(id) for id in sent.getall("id", [])))
        if not ids:
            raise Invalid(_("Select at least one contact."))
        if len(ids) > MOST:
            raise Invalid(_("Select up to %(most)s contacts, or all that match."), most=str(MOST))
        if not all(map(ID.fullmatch, ids)):
            raise Invalid(_("Invalid value: %(field)s."), field="id")
        return cls(ids)
