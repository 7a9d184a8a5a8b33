"""Webhooks of providers: what others tell us, signed."""

from aiohttp import web

from widget.webhooks import twilio


def add_routes(app: web.Application) -> None:
    twilio.add_routes(app)
