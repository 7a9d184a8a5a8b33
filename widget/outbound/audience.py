"""The audience preview: who gets a message, and why others don't."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.errors import Invalid
from widget.outbound.pages import ONE, fragment
from widget.outbound.views import audience_view
from widget.web.http import BOT
from widget.web.teammate_pages import Scope, requires, translator_for


async def audience(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    message = await bot.outbound.get(request.match_info["id"])
    whom = bot.outbound.audience
    try:
        found = await whom.preview(message)
        size = await whom.size(message, found)
        values: dict[str, Any] = {"audience": audience_view(found, size, say)}
    except Invalid as wrong:
        values = {"fault": say(wrong.text, **wrong.values)}
    return await fragment(request, "outbound/_audience.html", message=message, **values)


def add_routes(app: web.Application) -> None:
    app.router.add_get(f"{ONE}/audience", requires(Scope.SEND_MESSAGES)(audience))
