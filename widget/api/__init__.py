"""The REST API, compatible with Intercom's, so that its clients work with another base URL and token."""

from aiohttp import web

from widget.api import me


def add_routes(app: web.Application) -> None:
    me.add_routes(app)
