"""Settings: what the business sets up for itself. Each page names its scope; the checker of texts for all."""

from __future__ import annotations

from aiohttp import web

from widget.workspace import brand, checker, preview, subscriptions


def add_routes(app: web.Application) -> None:
    for face in (brand, checker, preview, subscriptions):
        face.add_routes(app)
