"""The audience in the composer: everyone, a filter, or a segment."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.model.filter import Filter
from bot.model.outbound_message import OutboundMessage
from widget.contacts.definitions import Definitions
from widget.contacts.filter_view import filter_view
from widget.contacts.query import ContactsQuery
from widget.web.http import BOT

EVERYONE, FILTER = "", "filter"


def audience_values(audience: str, filter: str | None) -> dict[str, object]:
    """What the fields change. `filter` None: it stays as it is. Raises Invalid: it can't be read."""
    if audience == FILTER:
        kept = {} if filter is None else {"filter": Filter.from_text(filter)}
        return {"segment": "", **kept}
    return {"segment": audience, **({} if audience else {"filter": Filter()})}


async def audience_fields(
    request: web.Request, message: OutboundMessage, d: Definitions, *, is_filtered: bool = False
) -> dict[str, Any]:
    """`is_filtered`: a filter was chosen, perhaps one without conditions."""
    say, segments = d.say, await request.app[BOT].segments.all()
    own = FILTER if is_filtered or not message.filter.is_everybody else EVERYONE
    return {
        "audiences": [
            (EVERYONE, say("Everyone")),
            (FILTER, say("People who match filters")),
            *((s.id, say("Segment: %(name)s", name=s.name)) for s in segments),
        ],
        "chosen": message.segment or own,
        **filter_fields(message, d),
    }


def filter_fields(message: OutboundMessage, d: Definitions) -> dict[str, Any]:
    """What the chips need."""
    asked = ContactsQuery(message.filter, draft=message.id)
    words = asked.filter.query
    unsearched = asked.with_filter(asked.filter.model_copy(update={"query": ""})).address() if words else ""
    return {"asked": asked, "filters": filter_view(asked, d), "words": words, "unsearched": unsearched}
