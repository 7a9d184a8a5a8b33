"""The opt-in form as an app of Intercom (Canvas Kit): requests that Intercom signs, answered in its components."""

from aiohttp import web

from widget.canvas import pages


def add_routes(app: web.Application) -> None:
    pages.add_routes(app)
