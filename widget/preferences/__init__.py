"""The preference center, opened by a link without sign-in. Viewing it changes nothing (law 10)."""

from __future__ import annotations

from collections import Counter

from aiohttp import web

from widget.preferences import live, pages
from widget.preferences.view import Center, Group, PreferenceItem, center

__all__ = ["Center", "Group", "PreferenceItem", "add_routes", "center"]


PAGE = "/p/{token:[^/]+/?}"


def add_routes(app: web.Application) -> None:
    app[live.OPEN] = Counter()
    app.router.add_get(PAGE, pages.show)
    app.router.add_post(PAGE, pages.change)
    app.router.add_get("/p/{token}/live", live.live)
