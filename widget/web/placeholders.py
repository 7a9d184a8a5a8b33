"""Pages at the addresses of sections that do not exist yet (the navigation leaves them out), and the style guide."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.errors import NotFound
from bot.errors import marked as _
from widget.web.layout import settings_open_to
from widget.web.teammate_pages import Handler, Scope, principal, requires, teammate_page, translator_for


@dataclass(frozen=True, slots=True)
class Coming:
    section: str
    icon: str
    title: str
    text: str


BOTS = Coming("bots", "bot", _("Bots"), _("Bots aren't available yet."))


def coming(what: Coming) -> Handler:
    async def show(request: web.Request) -> web.Response:
        say = translator_for(request)
        title, text = say(what.title), say(what.text)
        return await teammate_page(
            request, "layout/coming.html", section=what.section, title=title, icon=what.icon, text=text
        )

    return show


async def settings(request: web.Request) -> web.Response:
    """The first page that this teammate may open."""
    raise web.HTTPSeeOther(settings_open_to(principal(request))[0].items[0].path)


async def styleguide(request: web.Request) -> web.Response:
    return await teammate_page(request, "layout/styleguide.html", section="settings", title="Style guide", part="")


async def missing(request: web.Request) -> web.StreamResponse:
    """Shows teammates the navigation beside the error. An address that only accepts POST is not reported as missing."""
    for resource in request.app.router.resources():
        _match, allowed = await resource.resolve(request)
        if others := allowed - {"GET", "HEAD"}:
            raise web.HTTPMethodNotAllowed(request.method, others)
    raise NotFound(_("This page doesn't exist."))


def add_missing(app: web.Application) -> None:
    """Added last: any other address of the teammates' pages."""
    app.router.add_get("/{area:inbox|contacts|outbound|bots|settings}/{rest:.*}", requires()(missing))


def add_routes(app: web.Application) -> None:
    app.router.add_get("/bots", requires(Scope.MANAGE_FLOWS)(coming(BOTS)))
    app.router.add_get("/settings", requires()(settings))
    app.router.add_get("/settings/styleguide", requires(Scope.MANAGE_WORKSPACE)(styleguide))
