"""Settings: what the business sets up for itself. Admins only."""

from __future__ import annotations

from aiohttp import web

from widget.workspace import preview, subscriptions


def add_routes(app: web.Application) -> None:
    for face in (preview, subscriptions):
        face.add_routes(app)
