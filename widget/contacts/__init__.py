"""The contacts pages. Each module adds its own routes."""

from __future__ import annotations

from aiohttp import web

from widget.contacts import bulk, edit, erase, exports, filters, imports, live, merge, pages, profile, segments

FACES = (pages, filters, segments, live, exports, imports, bulk, profile, edit, merge, erase)


def add_routes(app: web.Application) -> None:
    for face in FACES:
        face.add_routes(app)
