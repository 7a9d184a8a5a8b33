"""`GET /api/me`: for whom the token speaks, and for which workspace (Intercom's `admin_with_app`)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.errors import TokenRefused
from bot.model.teammate import Teammate
from bot.model.workspace import Workspace
from widget.web.http import BOT, bearer
from widget.web.local import is_local


async def api_teammate(request: web.Request) -> Teammate:
    """The teammate for whom the request's token speaks. Raises TokenRefused."""
    token = bearer(request)
    if token is None:
        raise TokenRefused
    return await request.app[BOT].tokens.whose(token, is_local=is_local(request))


async def me(request: web.Request) -> web.Response:
    teammate = await api_teammate(request)
    bot = request.app[BOT]
    body = _shape(teammate, await bot.workspace(), bot.settings.database)
    return web.json_response(body, headers={"Cache-Control": "private, no-store"})


def _shape(teammate: Teammate, workspace: Workspace, database: str) -> dict[str, Any]:
    app = {
        "type": "app",
        "id_code": database,
        "name": workspace.name,
        "region": workspace.default_region,
        "identity_verification": True,
    }
    return {
        "type": "admin",
        "id": teammate.id,
        "name": teammate.name,
        "email": teammate.email,
        "email_verified": True,
        "has_inbox_seat": True,
        "away_mode_enabled": False,
        "away_mode_reassign": False,
        "team_ids": [],
        "app": app,
    }


def add_routes(app: web.Application) -> None:
    app.router.add_get("/api/me", me)
