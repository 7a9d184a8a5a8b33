"""Writing a chat message: it saves by itself, and the preview shows it as the messenger will."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field

from bot.errors import Conflict, FormWrong, NotFound
from bot.errors import marked as _
from bot.jobs.outbound_messages import CHANGED
from bot.model.outbound_message import ChatTerms, OutboundMessage
from widget.contacts.definitions import Definitions
from widget.outbound import chat_report
from widget.outbound.chat_preview import preview_of
from widget.outbound.draft_form import DraftForm, draft_fields, saved_beside
from widget.outbound.pages import ONE, PATH
from widget.web.http import BOT
from widget.web.teammate_pages import (
    Scope,
    by,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translated,
)
from widget.web.times import clock

LOCAL = "%Y-%m-%dT%H:%M"
"""A value of a date and time field."""


class ChatForm(DraftForm):
    when: Literal["visit", "now"] = "visit"
    visitors: bool = False
    asks_opted_out: bool = False
    ends_at: Annotated[str, Field(max_length=40)] = ""

    def changes(self, before: OutboundMessage) -> dict[str, object]:
        """Raises Invalid and FormWrong."""
        terms = {
            "at_once": self.when == "now",
            "visitors": self.visitors,
            "asks_opted_out": self.asks_opted_out,
            "ends_at": _time(self.ends_at) if self.ends_at else None,
        }
        return {**self.values(), "chat": (before.chat or ChatTerms()).model_copy(update=terms)}


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
        **await draft_fields(request, message, d, is_filtered=is_filtered),
        **await _side(request, message),
    )


async def save(request: web.Request) -> web.StreamResponse:
    wanted, before = await read_input(request, ChatForm), await chat_draft(request)
    return await saved_beside(
        request, wanted.version, wanted.changes(before), before, "outbound/_chat_side.html", _side
    )


async def start(request: web.Request) -> web.StreamResponse:
    """Saves what is in the composer first. What runs is what the page showed: its form isn't in what is posted."""
    wanted, before = await read_input(request, ChatForm), await chat_draft(request)
    me = by(request)
    saved = await request.app[BOT].outbound.save(before.id, wanted.version, wanted.changes(before), me)
    saved_here = saved.version == wanted.version + 1 and saved.by == me.id  # perhaps by the composer, just before
    if saved.version != wanted.version and not saved_here:
        raise Conflict(CHANGED)
    await request.app[BOT].chat_messages.start(saved.id, saved.version, me)
    raise done(f"{PATH}/{saved.id}", translated(request, "The message is running."))


async def chat_draft(request: web.Request) -> OutboundMessage:
    """Raises NotFound: there is none, or it is a text."""
    message = await request.app[BOT].outbound.get(request.match_info["id"])
    if message.chat is None:
        raise NotFound(_("Message not found."))
    return message


async def _show(request: web.Request) -> web.StreamResponse:
    return await show(request, await chat_draft(request))


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
    app.router.add_post(f"{ONE}/chat", sends(redrawn_by(_show)(save)))
    app.router.add_post(f"{ONE}/chat/start", sends(redrawn_by(_show)(start)))
