"""The contacts list."""

from __future__ import annotations

from aiohttp import web

from widget.web.placeholders import CONTACTS, coming
from widget.web.teammate_pages import Scope, requires


def add_routes(app: web.Application) -> None:
    app.router.add_get("/contacts", requires(Scope.READ_CONTACTS)(coming(CONTACTS)))
