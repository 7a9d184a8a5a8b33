"""Live updates of an editor's page: who else has the flow open, and hints that someone saved or published it."""

from __future__ import annotations

from aiohttp import web

from bot.chat.feed import flow_of
from widget.bots.pages import ONE
from widget.web import draft_live
from widget.web.http import BOT
from widget.web.teammate_pages import Scope, requires


async def live(request: web.Request) -> web.StreamResponse:
    bot, flow = request.app[BOT], request.match_info["id"]

    async def saved() -> dict[str, object]:
        await bot.flows.get(flow)
        return {"revision": (await bot.flow_drafts.get(flow)).revision}

    return await draft_live.hold(request, flow_of(flow), Scope.MANAGE_FLOWS, saved)


def add_routes(app: web.Application) -> None:
    app.router.add_get(f"{ONE}/live", requires(Scope.MANAGE_FLOWS)(live))
