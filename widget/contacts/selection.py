"""The contacts that a form of the list selects: some of them by id, or all that match its filter.

A bulk action posts the form `#selection` of the list: `id` for each ticked row; or `everyone` and the `filter`.
"""

from __future__ import annotations

import re

from aiohttp import web

from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.filter import Filter
from bot.model.selection import MOST_SELECTED, Selection
from widget.web.http import read_values

FIELDS = ("id", "everyone", "filter")
ID = re.compile("[0-9a-f]{24}")


async def read_selection(request: web.Request) -> Selection:
    """Raises Invalid."""
    values = await read_values(request)
    sent = dict(values)
    if sent.get("everyone"):
        return Selection(filter=Filter.from_text(sent.get("filter", "")).as_text())
    ids = tuple(dict.fromkeys(value for name, value in values if name == "id"))
    if not ids:
        raise Invalid(_("Select at least one contact."))
    if len(ids) > MOST_SELECTED:
        raise Invalid(_("Select up to %(most)s contacts, or all that match."), most=str(MOST_SELECTED))
    if not all(map(ID.fullmatch, ids)):
        raise Invalid(_("Invalid value: %(field)s."), field="id")
    return Selection(ids=ids)
