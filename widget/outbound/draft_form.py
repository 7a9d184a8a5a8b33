"""What both composers have: a name, an audience (everyone, a filter, or a segment), and a text for each language."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from bot.errors import Conflict
from bot.i18n import locales
from bot.model.filter import MOST_TEXT, Filter
from bot.model.outbound_message import MessageText, OutboundMessage
from widget.contacts.definitions import Definitions
from widget.contacts.filter_view import filter_view
from widget.contacts.query import ContactsQuery
from widget.outbound.pages import PATH, fragment
from widget.web.http import BOT
from widget.web.languages import named
from widget.web.teammate_pages import FormInput, by, done, is_htmx, translated, translator_for

Side = Callable[[web.Request, OutboundMessage], Awaitable[dict[str, Any]]]
"""What the template beside the form needs."""
EVERYONE, FILTER = "", "filter"


class DraftForm(FormInput):
    version: int
    name: Annotated[str, Field(min_length=1, max_length=120)]
    audience: Annotated[str, Field(max_length=40)] = ""
    """Everyone, a filter, or the id of a segment."""
    filter: Annotated[str, Field(max_length=MOST_TEXT)] | None = None
    """None: unchanged."""
    language: Annotated[str, Field(max_length=20)] = "en"
    texts: dict[str, MessageText] = Field(default_factory=dict)

    def values(self) -> dict[str, object]:
        """What the fields change. Raises Invalid: the filter can't be read."""
        texts = {locale: text for locale, text in self.texts.items() if text.strip() and locale in locales()}
        language = {"language": self.language} if self.language in locales() else {}
        return {"name": self.name, "texts": texts, **language, **self._audience()}

    def _audience(self) -> dict[str, object]:
        if self.audience == FILTER:
            kept = {} if self.filter is None else {"filter": Filter.from_text(self.filter)}
            return {"segment": "", **kept}
        return {"segment": self.audience, **({} if self.audience else {"filter": Filter()})}


async def saved_beside(
    request: web.Request, wanted: int, values: Mapping[str, object], before: OutboundMessage, template: str, side: Side
) -> web.StreamResponse:
    """Saves a draft. A script gets what is beside the form, with the new version. `wanted`: the version that the page
    knows."""
    try:
        saved = await request.app[BOT].outbound.save(before.id, wanted, values, by(request))
    except Conflict as wrong:
        if not is_htmx(request):
            raise
        return await fragment(
            request, template, **await side(request, before), fault=translator_for(request)(wrong.text)
        )
    if not is_htmx(request):
        raise done(f"{PATH}/{saved.id}", translated(request, "Saved."))
    response = await fragment(request, template, **await side(request, saved), is_saved=True)
    if _whom(saved) != _whom(before):
        response.headers["HX-Trigger"] = "audience-changed"
    return response


def _whom(message: OutboundMessage) -> object:
    """The fields that decide who gets it."""
    return message.offered, message.segment, message.filter, message.chat and message.chat.asks_opted_out


async def draft_fields(
    request: web.Request, message: OutboundMessage, d: Definitions, *, is_filtered: bool = False
) -> dict[str, Any]:
    """`is_filtered`: a filter was chosen, perhaps one without conditions."""
    say, segments = d.say, await request.app[BOT].segments.all()
    names = "first_name", "name", "brand", *list(d.attributes)[:5]
    own = FILTER if is_filtered or not message.filter.is_everybody else EVERYONE
    return {
        "audiences": [
            (EVERYONE, say("Everyone")),
            (FILTER, say("People who match filters")),
            *((s.id, say("Segment: %(name)s", name=s.name)) for s in segments),
        ],
        "chosen": message.segment or own,
        "languages": named(locales(), say),
        "variables_hint": " ".join(f"{{{{{name}}}}}" for name in names),
        **filter_fields(message, d),
    }


def filter_fields(message: OutboundMessage, d: Definitions) -> dict[str, Any]:
    """What the chips need."""
    asked = ContactsQuery(message.filter, draft=message.id)
    words = asked.filter.query
    unsearched = asked.with_filter(asked.filter.model_copy(update={"query": ""})).address() if words else ""
    return {"asked": asked, "filters": filter_view(asked, d), "words": words, "unsearched": unsearched}
