"""The outbound pages. Each module adds its own routes."""

from __future__ import annotations

from aiohttp import web

from widget.outbound import audience, clicks, compose, deliveries, pages, report

FACES = (pages, deliveries, compose, audience, report, clicks)


def add_routes(app: web.Application) -> None:
    for face in FACES:
        face.add_routes(app)
