"""The command to search: pages by name, and what the business has by name. A page of its own; `/` opens it in place."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.i18n import Translator
from bot.model.teammate import Teammate
from bot.workspace.finder import find_subscriptions
from widget.web.http import BOT, render
from widget.web.layout import NAVIGATION, SETTINGS, open_to
from widget.web.teammate_pages import agents, shell_page, speech, teammate


@dataclass(frozen=True, slots=True)
class Hit:
    path: str
    name: str
    kind: str


async def show(request: web.Request) -> web.Response:
    """`?part=1`: the list alone, for the dialog."""
    words, say = request.query.get("q", "")[:100].strip(), speech(request)
    hits = await _hits(request, teammate(request), words, say)
    if "part" in request.query:
        html = await render(request, "shell/_hits.html", say.locale, hits=hits, words=words)
        return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "private, no-store"})
    return await shell_page(request, "shell/search.html", section="", title=say("Search"), hits=hits, words=words)


async def _hits(request: web.Request, me: Teammate, words: str, say: Translator) -> list[Hit]:
    """Pages first: there are few, and they stay where they are."""
    wanted = words.casefold().split()
    pages = [Hit(path, name, say("Page")) for path, name in _pages(me, say)]
    found = [hit for hit in pages if all(word in hit.name.casefold() for word in wanted)]
    if words and me.is_admin:
        kept = await find_subscriptions(request.app[BOT].store, words)
        found += [Hit(f"/settings/subscriptions/{s.id}", s.name, say("Subscription")) for s in kept]
    return found


def _pages(me: Teammate, say: Translator) -> list[tuple[str, str]]:
    places = [place for place in (*NAVIGATION, *SETTINGS) if place.section != "settings"]
    return [(place.path, say(place.name)) for place in open_to(me, tuple(places))]


def add_routes(app: web.Application) -> None:
    app.router.add_get("/search", agents(show))
