"""Global search for pages and subscriptions. It is a page of its own; `/` opens it as a dialog."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.i18n import Translator
from bot.workspace.access import Principal, Scope
from bot.workspace.finder import find_subscriptions
from widget.web.http import BOT, render
from widget.web.layout import NAVIGATION, SETTINGS, open_to
from widget.web.teammate_pages import principal, requires, teammate_page, translator_for


@dataclass(frozen=True, slots=True)
class Hit:
    path: str
    name: str
    kind: str


async def show(request: web.Request) -> web.Response:
    """`?part=1`: only the result list, for the dialog."""
    words, say = request.query.get("q", "")[:100].strip(), translator_for(request)
    hits = await _hits(request, principal(request), words, say)
    if "part" in request.query:
        html = await render(request, "layout/_hits.html", say.locale, hits=hits, words=words)
        return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "private, no-store"})
    return await teammate_page(request, "layout/search.html", section="", title=say("Search"), hits=hits, words=words)


async def _hits(request: web.Request, who: Principal, words: str, say: Translator) -> list[Hit]:
    """Pages come first: there are few, and their order is stable."""
    wanted = words.casefold().split()
    pages = [Hit(path, name, say("Page")) for path, name in _pages(who, say)]
    found = [hit for hit in pages if all(word in hit.name.casefold() for word in wanted)]
    if words and who.may(Scope.MANAGE_SUBSCRIPTIONS):
        kept = await find_subscriptions(request.app[BOT].store, words)
        found += [Hit(f"/settings/subscriptions/{s.id}", s.name, say("Subscription")) for s in kept]
    return found


def _pages(who: Principal, say: Translator) -> list[tuple[str, str]]:
    places = [place for place in (*NAVIGATION, *SETTINGS) if place.section != "settings"]
    return [(place.path, say(place.name)) for place in open_to(who, tuple(places))]


def add_routes(app: web.Application) -> None:
    app.router.add_get("/search", requires()(show))
