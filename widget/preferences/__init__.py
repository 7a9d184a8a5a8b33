"""The preference center: where people see and change what they said. No sign-in; looking changes nothing (law 10)."""

from __future__ import annotations

from aiohttp import web

from widget.preferences import pages
from widget.preferences.view import Center, Group, Item, center

__all__ = ["Center", "Group", "Item", "add_routes", "center"]


def add_routes(app: web.Application) -> None:
    app.router.add_get("/p/{token}", pages.show)
    app.router.add_post("/p/{token}", pages.change)
