"""The pages of bot flows. Each module adds its own routes."""

from __future__ import annotations

from aiohttp import web

from widget.bots import conditions, drafts, editor, exchange, figures, gallery, live, map, pages, trial, versions

FACES = (pages, editor, drafts, conditions, exchange, figures, gallery, map, versions, trial, live)


def add_routes(app: web.Application) -> None:
    for face in FACES:
        face.add_routes(app)
