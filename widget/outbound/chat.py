"""Writing a chat message: it saves by itself, and the preview shows it as the messenger will."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field

from bot.contacts.finder import ContactCount
from bot.contacts.selected import BulkPreview
from bot.errors import Conflict, FormWrong, Invalid, NotFound
from bot.errors import marked as _
from bot.i18n import locales
from bot.jobs.outbound_messages import CHANGED
from bot.model.filter import MOST_TEXT
from bot.model.outbound_message import ChatTerms, OutboundMessage
from bot.outbound.audience import QUEUED
from bot.outbound.chat_rules import NOT_ASKED
from widget.contacts.definitions import Definitions
from widget.outbound import chat_report
from widget.outbound.audience_fields import audience_fields, audience_values
from widget.outbound.chat_preview import preview_of
from widget.outbound.pages import ONE, PATH, fragment
from widget.outbound.views import audience_view
from widget.web.http import BOT
from widget.web.languages import named
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    by,
    done,
    is_htmx,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translated,
    translator_for,
)
from widget.web.times import clock

Text = Annotated[str, Field(max_length=1200)]
LOCAL = "%Y-%m-%dT%H:%M"
"""A value of a date and time field."""


class ChatForm(FormInput):
    version: int
    name: Annotated[str, Field(min_length=1, max_length=120)]
    audience: Annotated[str, Field(max_length=40)] = ""
    filter: Annotated[str, Field(max_length=MOST_TEXT)] | None = None
    language: Annotated[str, Field(max_length=20)] = "en"
    texts: dict[str, Text] = Field(default_factory=dict)
    when: Literal["visit", "now"] = "visit"
    visitors: bool = False
    asks_opted_out: bool = False
    ends_at: Annotated[str, Field(max_length=40)] = ""

    def values(self, before: ChatTerms) -> dict[str, object]:
        """Raises Invalid and FormWrong."""
        texts = {locale: text for locale, text in self.texts.items() if text.strip() and locale in locales()}
        terms = {
            "at_once": self.when == "now",
            "visitors": self.visitors,
            "asks_opted_out": self.asks_opted_out,
            "ends_at": _time(self.ends_at) if self.ends_at else None,
        }
        return {
            "name": self.name,
            "texts": texts,
            "chat": before.model_copy(update=terms),
            **({"language": self.language} if self.language in locales() else {}),
            **audience_values(self.audience, self.filter),
        }


async def show(request: web.Request, message: OutboundMessage) -> web.StreamResponse:
    """The composer of a draft, the report of a message that was started."""
    return await (composer(request, message) if message.is_draft else chat_report.show(request, message))


async def composer(request: web.Request, message: OutboundMessage, *, is_filtered: bool = False) -> web.StreamResponse:
    d = await Definitions.load(request)
    terms = message.chat or ChatTerms()
    return await teammate_page(
        request,
        "outbound/chat.html",
        section="outbound",
        title=message.name,
        terms=terms,
        offered=d.subscription(terms.card.subscription) if terms.card else "",
        ends_at=terms.ends_at.astimezone(clock.get().zone).strftime(LOCAL) if terms.ends_at else "",
        zone=str(clock.get().zone),
        languages=named(locales(), d.say),
        variables_hint=" ".join(f"{{{{{name}}}}}" for name in ("first_name", "name", "brand", *list(d.attributes)[:5])),
        **await audience_fields(request, message, d, is_filtered=is_filtered),
        **await _side(request, message),
    )


async def save(request: web.Request) -> web.StreamResponse:
    """Saves a draft. A script gets what is beside the form, with the new version."""
    wanted, before = await read_input(request, ChatForm), await chat_draft(request)
    try:
        saved = await _saved(request, before, wanted)
    except Conflict as wrong:
        if not is_htmx(request):
            raise
        fault = translator_for(request)(wrong.text)
        return await fragment(request, "outbound/_chat_side.html", **await _side(request, before), fault=fault)
    if not is_htmx(request):
        raise done(f"{PATH}/{saved.id}", translated(request, "Saved."))
    response = await fragment(request, "outbound/_chat_side.html", **await _side(request, saved), is_saved=True)
    if (saved.chat, saved.segment, saved.filter) != (before.chat, before.segment, before.filter):
        response.headers["HX-Trigger"] = "audience-changed"
    return response


async def start(request: web.Request) -> web.StreamResponse:
    """Saves what is in the composer first. What runs is what the page showed: its form isn't in what is posted."""
    wanted, before = await read_input(request, ChatForm), await chat_draft(request)
    saved, me = await _saved(request, before, wanted), by(request)
    saved_here = saved.version == wanted.version + 1 and saved.by == me.id  # perhaps by the composer, just before
    if saved.version != wanted.version and not saved_here:
        raise Conflict(CHANGED)
    await request.app[BOT].chat_messages.start(saved.id, saved.version, me)
    raise done(f"{PATH}/{saved.id}", translated(request, "The message is running."))


async def audience(request: web.Request) -> web.StreamResponse:
    """Who would get it, and why others wouldn't. Of many contacts, a sample."""
    bot, say, message = request.app[BOT], translator_for(request), await chat_draft(request)
    try:
        found = await bot.chat_messages.preview(message)
        values: dict[str, Any] = {"audience": audience_view(found, _size(found), say, labels=NOT_ASKED)}
    except Invalid as wrong:
        values = {"fault": say(wrong.text, **wrong.values)}
    return await fragment(request, "outbound/_chat_audience.html", **values)


def _size(found: BulkPreview) -> ContactCount:
    """Of a sample, by the share of those who would get it."""
    queued = found.counts.get(QUEUED, 0)
    if not found.is_sample:
        return ContactCount(queued, is_exact=True)
    return ContactCount(found.total.number * queued // max(found.seen, 1), is_exact=False)


async def chat_draft(request: web.Request) -> OutboundMessage:
    """Raises NotFound: there is none, or it is a text."""
    message = await request.app[BOT].outbound.get(request.match_info["id"])
    if message.chat is None:
        raise NotFound(_("Message not found."))
    return message


async def _show(request: web.Request) -> web.StreamResponse:
    return await show(request, await chat_draft(request))


async def _saved(request: web.Request, before: OutboundMessage, wanted: ChatForm) -> OutboundMessage:
    values = wanted.values(before.chat or ChatTerms())
    return await request.app[BOT].outbound.save(before.id, wanted.version, values, by(request))


async def _side(request: web.Request, message: OutboundMessage) -> dict[str, Any]:
    return {"message": message, "preview": await preview_of(request, message)}


def _time(text: str) -> datetime:
    """Raises FormWrong."""
    try:
        return clock.get().parse(text)
    except (ValueError, OverflowError):
        raise FormWrong({"ends_at": _("Choose a date and time.")}) from None


def add_routes(app: web.Application) -> None:
    sends = requires(Scope.SEND_MESSAGES)
    app.router.add_get(f"{ONE}/chat/audience", sends(audience))
    app.router.add_post(f"{ONE}/chat", sends(redrawn_by(_show)(save)))
    app.router.add_post(f"{ONE}/chat/start", sends(redrawn_by(_show)(start)))
