"""`/api/openapi.json` and the reference made of it, `/api/docs`."""

from __future__ import annotations

from aiohttp import web

from widget.api.openapi import document
from widget.api.table import RESOURCES
from widget.web.http import BOT


async def openapi(request: web.Request) -> web.Response:
    return web.json_response(document(RESOURCES, request.app[BOT].public_url))


def add_routes(app: web.Application) -> None:
    app.router.add_get("/api/openapi.json", openapi)
