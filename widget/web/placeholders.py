"""What no section of its own has: addresses without a page, the first page of the settings, and the style guide."""

from __future__ import annotations

from aiohttp import web

from bot.errors import NotFound
from bot.errors import marked as _
from widget.web.layout import settings_open_to
from widget.web.teammate_pages import Scope, principal, requires, teammate_page


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
    app.router.add_get("/settings", requires()(settings))
    app.router.add_get("/settings/styleguide", requires(Scope.MANAGE_WORKSPACE)(styleguide))
