"""The contacts pages. Each module adds its own routes."""

from __future__ import annotations

from aiohttp import web

from widget.contacts import bulk, exports, filters, imports, live, pages, segments


def add_routes(app: web.Application) -> None:
    for face in (pages, filters, segments, live, exports, imports, bulk):
        face.add_routes(app)
