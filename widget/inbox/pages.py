"""The inbox pages: list, thread, older entries. All work without JavaScript."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.app import Bot
from bot.chat.inbox import COUNTED, View, Whose
from bot.i18n import Translator
from bot.model.base import iso, new_id
from bot.model.conversation import Conversation, ConversationState
from bot.model.paging import Cursor, sequence_of
from bot.outbound.gateways import LONGEST
from widget.inbox import views
from widget.web.http import BOT, render
from widget.web.input import cursor_of
from widget.web.teammate_pages import teammate, teammate_page, translator_for

PRIVATE = {"Cache-Control": "private, no-store"}
MOST_WORDS = 100
MOST_TEXT = 4000
"""Characters of a chat message or a note."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The list that the URL selects; unknown values fall back to the default."""

    view: View
    words: str = ""
    before: Cursor | None = None
    rows: int = 0
    """How many rows the reloaded list showed."""
    query: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: web.Request) -> ListQuery:
        asked = request.query
        state = _one_of(ConversationState, asked.get("state"), ConversationState.OPEN)
        whose = _one_of(Whose, asked.get("whose"), Whose.ALL)
        words = asked.get("q", "").strip()[:MOST_WORDS]
        query = {"state": state.value, "whose": whose.value, **({"q": words} if words else {})}
        view, rows = View(teammate(request).id, state, whose), asked.get("rows", "")
        return cls(view, words, cursor_of(request, datetime, str), _number(rows), query)

    def address(self, path: str = "/inbox", **other: str) -> str:
        return f"{path}?{urlencode({**self.query, **other})}"


async def inbox(request: web.Request) -> web.Response:
    asked, say = ListQuery.of(request), translator_for(request)
    return await teammate_page(
        request,
        "inbox/page.html",
        section="inbox",
        title=say("Inbox"),
        conversation=None,
        **await _list(request, asked),
    )


async def listed(request: web.Request) -> web.Response:
    """Only the list: `before` is the last row shown, `current` the open conversation."""
    asked, current = ListQuery.of(request), request.query.get("current", "")
    conversation = await request.app[BOT].store.conversations.get(current) if current else None
    context = await _list(request, asked, conversation)
    template = "inbox/_items.html" if asked.before else "inbox/_list.html"
    html = await render(request, template, translator_for(request).locale, **context)
    return web.Response(text=html, content_type="text/html", headers=PRIVATE)


async def show(request: web.Request) -> web.Response:
    """Raises NotFound."""
    asked, say, bot = ListQuery.of(request), translator_for(request), request.app[BOT]
    conversation = await bot.inbox.get(request.match_info["conversation"])
    parts, contact, team, listing = await asyncio.gather(
        bot.inbox.page(conversation.id),
        bot.ledger.contact(conversation.contact),
        bot.teammates.all(),
        _list(request, asked, conversation),
    )
    return await teammate_page(
        request,
        "inbox/page.html",
        section="inbox",
        title=views.name_of(contact, say),
        conversation=conversation,
        contact=contact,
        parts=await views.entries(request, parts, conversation, contact, say),
        older=bool(parts) and parts[0].seq > 1,
        team=team,
        most=LONGEST if conversation.number else MOST_TEXT,
        most_note=MOST_TEXT,
        **listing,
        **await head(bot, conversation, say),
    )


async def older(request: web.Request) -> web.Response:
    """The entries before the oldest one on the page."""
    bot, say = request.app[BOT], translator_for(request)
    conversation = await bot.inbox.get(request.match_info["conversation"])
    parts = await bot.inbox.page(conversation.id, before=sequence_of(cursor_of(request, int)))
    contact = await bot.ledger.contact(conversation.contact)
    html = "\n".join(await views.rendered(request, parts, conversation, contact, say))
    return web.Response(text=html, content_type="text/html", headers=PRIVATE)


async def head(bot: Bot, conversation: Conversation, say: Translator) -> dict[str, Any]:
    """What the header above the thread needs besides the conversation."""
    until = conversation.snoozed_until
    return {
        "state_words": views.state_words(conversation.state, say),
        "until": iso(until) if until else "",
        "tags": await bot.conversation_tags.of(conversation),
        "key": new_id(),
    }


async def _list(request: web.Request, asked: ListQuery, current: Conversation | None = None) -> dict[str, Any]:
    bot, say = request.app[BOT], translator_for(request)
    listing, unread, requests = await asyncio.gather(
        bot.inbox.search(asked.words, before=asked.before, rows=asked.rows)
        if asked.words
        else bot.inbox.listing(asked.view, before=asked.before, rows=asked.rows, current=current),
        bot.inbox.unread(asked.view.me),
        bot.opt_out_requests.count(),
    )
    id = current.id if current else ""
    return {
        "items": await views.items(request, listing.items, id, say),
        "apart": listing.apart,
        "asked": asked,
        "me_id": asked.view.me,
        "unread": {whose.value: f"{COUNTED}+" if n > COUNTED else str(n or "") for whose, n in unread.items()},
        "opt_outs": f"{COUNTED}+" if requests > COUNTED else str(requests or ""),
        "more": asked.address("/inbox/list", before=str(listing.next), current=id) if listing.next else "",
    }


def _one_of(kind: type[Any], given: str | None, usual: Any) -> Any:
    return kind(given) if given in {member.value for member in kind} else usual


def _number(given: str) -> int:
    return int(given) if given.isdecimal() and len(given) < 4 else 0
