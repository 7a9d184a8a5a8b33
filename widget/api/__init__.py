"""The REST API, compatible with Intercom's, so that its clients work with another base URL and token."""

from aiohttp import web

from widget.api import reference
from widget.api.rate import RATES, RateLimiter
from widget.api.route import PREFIX
from widget.api.serve import handler_of
from widget.api.table import ROUTES
from widget.web.http import BOT


def add_routes(app: web.Application) -> None:
    app[RATES] = RateLimiter(app[BOT].settings.api_limit)
    reference.add_routes(app)
    for route in ROUTES:
        handler = handler_of(route)
        app.router.add_route(route.method, PREFIX + route.path, handler)
        if not route.changes:
            app.router.add_route("HEAD", PREFIX + route.path, handler)
