"""The settings pages. Each page names its scope; the text checker is open to all teammates."""

from __future__ import annotations

from aiohttp import web

from widget.workspace import brand, checker, install, ledger, preview, subscriptions


def add_routes(app: web.Application) -> None:
    for face in (brand, checker, install, ledger, preview, subscriptions):
        face.add_routes(app)
