"""The report of a chat message, live while it is running."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from bot.errors import Conflict
from bot.i18n import Translator
from bot.jobs.chat_messages import ChatAct, ChatFigures
from bot.jobs.outbound_messages import MessageState
from bot.model.outbound_message import ChatTerms, OutboundMessage
from widget.contacts.definitions import Definitions
from widget.contacts.filter_view import sentence_of
from widget.outbound.chat_preview import preview_of
from widget.outbound.pages import ONE, PATH, fragment
from widget.outbound.results import ResultRow
from widget.outbound.views import STATES
from widget.web.http import BOT
from widget.web.teammate_pages import Scope, by, done, requires, teammate_page, translated, translator_for


@dataclass(frozen=True, slots=True)
class ChatActView:
    act: ChatAct
    label: str
    kind: str = "plain"


async def show(request: web.Request, message: OutboundMessage) -> web.StreamResponse:
    d = await Definitions.load(request)
    terms = message.chat or ChatTerms()
    return await teammate_page(
        request,
        "outbound/chat_report.html",
        section="outbound",
        title=message.name,
        terms=terms,
        offered=d.subscription(terms.card.subscription) if terms.card else "",
        audience=sentence_of(message.filter, d),
        preview=await preview_of(request, message),
        **await _figures(request, message),
    )


async def figures(request: web.Request) -> web.StreamResponse:
    """What changes while it is running."""
    message = await request.app[BOT].outbound.get(request.match_info["id"])
    return await fragment(request, "outbound/_chat_figures.html", **await _figures(request, message))


async def act(request: web.Request) -> web.StreamResponse:
    """Pauses, resumes or ends it. If it ended meanwhile, the page shows that."""
    id = request.match_info["id"]
    try:
        await request.app[BOT].chat_messages.act(id, cast(ChatAct, request.match_info["act"]), by(request))
    except Conflict:
        raise done(f"{PATH}/{id}", translated(request, "The message has changed. Check its current state.")) from None
    raise web.HTTPSeeOther(f"{PATH}/{id}")


async def _figures(request: web.Request, message: OutboundMessage) -> dict[str, Any]:
    bot, say = request.app[BOT], translator_for(request)
    state = (await bot.outbound.status(message.id)).state
    found = await bot.chat_messages.figures(message.id)
    return {
        "message": message,
        "state": state,
        "states": STATES,
        "is_live": state in {MessageState.RUNNING, MessageState.PAUSED},
        "acts": _acts(state, say),
        "rows": _rows(found, say, has_form=message.chat is not None and message.chat.card is not None),
    }


def _acts(state: MessageState, say: Translator) -> list[ChatActView]:
    end = ChatActView("end", say("End"))
    if state is MessageState.RUNNING:
        return [ChatActView("pause", say("Pause")), end]
    return [ChatActView("resume", say("Resume"), "brand"), end] if state is MessageState.PAUSED else []


def _rows(found: ChatFigures, say: Translator, *, has_form: bool) -> list[ResultRow]:
    counted = [(say("Shown"), found.shown, "plain")]
    if has_form:
        counted += [
            (say("Signed up"), found.signed_up, "good"),
            (say("Not confirmed yet"), found.unconfirmed, "plain"),
            (say("Not answered"), found.unanswered, "plain"),
        ]
    counted.append((say("Dismissed by the person"), found.dismissed, "plain"))
    whole = found.shown or 1
    return [ResultRow(label, say.number(n), min(round(100 * n / whole), 100), kind) for label, n, kind in counted]


def add_routes(app: web.Application) -> None:
    sends = requires(Scope.SEND_MESSAGES)
    app.router.add_get(f"{ONE}/figures", sends(figures))
    app.router.add_post(f"{ONE}/chat/{{act:pause|resume|end}}", sends(act))
