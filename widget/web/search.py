"""The search: people, segments, conversations, pages and subscriptions. It is a page of its own; `/` opens it as a
dialog."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from bot.chat.inbox import ConversationRow
from bot.i18n import Translator
from bot.model.base import folded_words
from bot.workspace.access import Principal, Scope
from bot.workspace.subscriptions import find_subscriptions
from widget.inbox.details import name_of
from widget.web.http import BOT, render
from widget.web.layout import NAVIGATION, SETTINGS, open_to
from widget.web.teammate_pages import principal, requires, teammate_page, translator_for

IN_DIALOG, ON_PAGE = 5, 20
"""Results of each kind. The inbox lists more conversations."""


@dataclass(frozen=True, slots=True)
class Hit:
    path: str
    name: str
    kind: str
    line: str = ""


async def show(request: web.Request) -> web.Response:
    """`?part=1`: only the result list, for the dialog."""
    words, say = request.query.get("q", "")[:100].strip(), translator_for(request)
    is_part = "part" in request.query
    hits = await _hits(request, words, say, IN_DIALOG if is_part else ON_PAGE)
    if is_part:
        html = await render(request, "layout/_hits.html", say.locale, hits=hits, words=words)
        return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "private, no-store"})
    return await teammate_page(request, "layout/search.html", section="", title=say("Search"), hits=hits, words=words)


async def _hits(request: web.Request, words: str, say: Translator, most: int) -> list[Hit]:
    """Pages come first: there are few, and their order is stable. Each kind needs its scope."""
    who = principal(request)
    finders = (
        (Scope.READ_CONTACTS, _people),
        (Scope.READ_CONTACTS, _segments),
        (Scope.READ_CONVERSATIONS, _conversations),
        (Scope.MANAGE_SUBSCRIPTIONS, _subscriptions),
    )
    allowed = [find(request, words, say, most) for scope, find in finders if words and who.may(scope)]
    found = await asyncio.gather(*allowed)
    return [*_pages(who, words, say), *(hit for hits in found for hit in hits)]


def _pages(who: Principal, words: str, say: Translator) -> Iterator[Hit]:
    wanted = words.casefold().split()
    for place in open_to(who, tuple(place for place in (*NAVIGATION, *SETTINGS) if place.section != "settings")):
        if all(word in say(place.name).casefold() for word in wanted):
            yield Hit(place.path, say(place.name), say("Page"))


async def _people(request: web.Request, words: str, say: Translator, most: int) -> list[Hit]:
    """Contacts whose name, email address or number has words that begin with these."""
    found = await request.app[BOT].store.contacts.known_as(folded_words(words, most=8), limit=most + 1)
    hits = [
        Hit(f"/inbox/contacts/{c.id}/panel", name_of(c, say), say("Person"), (c.email or "") if c.name else "")
        for c in found[:most]
    ]
    if len(found) > most:
        hits.append(Hit(f"/contacts?{urlencode({'q': words})}", say("More contacts"), say("Contacts")))
    return hits


async def _segments(request: web.Request, words: str, say: Translator, most: int) -> list[Hit]:
    """Segments whose name contains the words."""
    wanted = words.casefold().split()
    found = [s for s in await request.app[BOT].segments.all() if all(word in s.name.casefold() for word in wanted)]
    return [Hit(f"/contacts?segment={s.id}", s.name, say("Segment")) for s in found[:most]]


async def _conversations(request: web.Request, words: str, say: Translator, most: int) -> list[Hit]:
    """The newest first; the last hit leads to the rest."""
    found = (await request.app[BOT].inbox.search(words)).items
    hits = [_conversation(row, say) for row in found[:most]]
    if len(found) > most:
        hits.append(Hit(f"/inbox?{urlencode({'q': words})}", say("More conversations"), say("Inbox")))
    return hits


def _conversation(row: ConversationRow, say: Translator) -> Hit:
    name = name_of(row.contact, say) if row.contact else say("Someone")
    return Hit(f"/inbox/{row.conversation.id}", name, say("Conversation"), row.conversation.preview)


async def _subscriptions(request: web.Request, words: str, say: Translator, most: int) -> list[Hit]:
    kept = await find_subscriptions(request.app[BOT].store, words)
    return [Hit(f"/settings/subscriptions/{s.id}", s.name, say("Subscription")) for s in kept[:most]]


def add_routes(app: web.Application) -> None:
    app.router.add_get("/search", requires()(show))
