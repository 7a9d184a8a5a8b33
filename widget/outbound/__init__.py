"""The outbound pages. Each module adds its own routes."""

from __future__ import annotations

from aiohttp import web

from widget.outbound import (
    audience,
    chat,
    chat_form,
    chat_report,
    clicks,
    compose,
    deliveries,
    live,
    pages,
    report,
)

FACES = (pages, deliveries, compose, live, audience, report, clicks, chat, chat_form, chat_report)


def add_routes(app: web.Application) -> None:
    for face in FACES:
        face.add_routes(app)
