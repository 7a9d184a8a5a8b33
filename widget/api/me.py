"""`GET /api/me`: the token's teammate and workspace (Intercom's `admin_with_app`)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.model.teammate import Teammate
from bot.model.workspace import Workspace
from widget.api.access import principal, requires
from widget.web.http import BOT


async def me(request: web.Request) -> web.Response:
    bot = request.app[BOT]
    body = _shape(principal(request).teammate, await bot.workspace(), bot.settings.database)
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
    app.router.add_get("/api/me", requires()(me))
