"""Live updates of a composer: who else has the message open, and its newest version."""

from __future__ import annotations

from aiohttp import web

from bot.chat.feed import message_of
from widget.outbound.pages import ONE
from widget.web import draft_live
from widget.web.http import BOT
from widget.web.teammate_pages import Scope, requires


async def live(request: web.Request) -> web.StreamResponse:
    bot, id = request.app[BOT], request.match_info["id"]

    async def saved() -> dict[str, object]:
        return {"version": (await bot.outbound.get(id)).version}

    return await draft_live.hold(request, message_of(id), Scope.SEND_MESSAGES, saved)


def add_routes(app: web.Application) -> None:
    app.router.add_get(f"{ONE}/live", requires(Scope.SEND_MESSAGES)(live))
