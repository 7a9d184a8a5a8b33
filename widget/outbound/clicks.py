"""`GET /l/{token}`: a short link in a text."""

from __future__ import annotations

from aiohttp import web
from yarl import URL

from bot.errors import NotFound
from bot.outbound.short_links import is_person
from widget.web.http import BOT, page, pasted_token, user_agent, wanted_locale

PREFETCH = ("Purpose", "Sec-Purpose", "X-Purpose", "X-Moz")
"""Headers of browsers that load a page before anybody asks for it."""


async def click(request: web.Request) -> web.StreamResponse:
    """Redirects to the stored address, and to no other."""
    try:
        url = await request.app[BOT].clicks.open(pasted_token(request), counts=_counts(request))
    except NotFound:
        return await page(request, "outbound/gone.html", wanted_locale(request), status=404)
    headers = {"Location": str(URL(url)), "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    return web.Response(status=302, headers=headers)


def _counts(request: web.Request) -> bool:
    is_early = any(name in request.headers for name in PREFETCH)
    return request.method == "GET" and not is_early and is_person(user_agent(request) or "")


def add_routes(app: web.Application) -> None:
    app.router.add_get("/l/{token:[^/]+/?}", click)
