"""The list of outbound messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web

from bot.errors import Invalid
from bot.errors import marked as _
from bot.jobs.outbound_messages import MessageState
from bot.model.base import new_id
from bot.model.conversation import Channel
from bot.model.filter import MOST_CONTACTS, ContactIs, Filter
from bot.model.outbound_message import ChatTerms
from widget.contacts.selection import read_selection
from widget.outbound.results import pause_words
from widget.outbound.views import STATES
from widget.web.csrf import session_token
from widget.web.forms import fields
from widget.web.http import BOT, html_page, render, wanted_locale
from widget.web.input import cursor_of
from widget.web.layout import with_page_headers
from widget.web.teammate_pages import Scope, by, done, requires, teammate_page, translator_for

PATH = "/outbound"
ONE = f"{PATH}/{{id:[0-9a-f]{{24}}}}"
ROWS = 50


async def index(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    page = await bot.outbound.newest(cursor_of(request, datetime, str), limit=ROWS)
    subscriptions = await bot.store.subscriptions.get_many(s.message.offered for s in page.items)
    return await teammate_page(
        request,
        "outbound/list.html",
        section="outbound",
        title=say("Outbound"),
        messages=page.items,
        next=page.next,
        states=STATES,
        channels={Channel.SMS: say("Text"), Channel.CHAT: say("Chat")},
        stopped=[
            (status.message, pause_words(status.message.open_pauses[0], say))
            for status in page.items
            if status.state is MessageState.PAUSED and status.message.open_pauses
        ],
        names={id: found.words(say.locale).name for id, found in subscriptions.items()},
        key=new_id(),
    )


async def create(request: web.Request) -> web.StreamResponse:
    """A draft for everyone, or for those of a filter."""
    typed, say = await fields(request), translator_for(request)
    key = typed.get("key", "")
    try:
        filter = await _chosen(request)
    except Invalid as wrong:
        raise done("/contacts", say(wrong.text, **wrong.values), "bad") from None
    draft = await request.app[BOT].outbound.create(
        say("Untitled message"),
        by(request),
        filter=filter,
        key=key if len(key) == 24 else "",
        chat=ChatTerms() if typed.get("channel") == Channel.CHAT else None,
    )
    raise web.HTTPSeeOther(f"{PATH}/{draft.id}")


async def _chosen(request: web.Request) -> Filter:
    """From a selection in the list of contacts, or from a filter; otherwise everyone. Raises Invalid."""
    typed = await fields(request)
    if "id" not in typed or typed.get("everyone"):
        return Filter.from_text(typed.get("filter", ""))
    ids = (await read_selection(request)).ids
    if len(ids) > MOST_CONTACTS:
        most = str(MOST_CONTACTS)
        raise Invalid(_("Select up to %(most)s contacts, or all that match."), most=most)
    return Filter.of(ContactIs(ids=ids))


async def fragment(request: web.Request, template: str, **values: Any) -> web.Response:
    """A part of a page, for a script."""
    html = await render(request, template, wanted_locale(request), csrf=await session_token(request), **values)
    return with_page_headers(html_page(request, html))


def add_routes(app: web.Application) -> None:
    sends = requires(Scope.SEND_MESSAGES)
    app.router.add_get(PATH, sends(index))
    app.router.add_post(f"{PATH}/new", sends(create))
