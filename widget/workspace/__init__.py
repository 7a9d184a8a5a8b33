"""The settings pages. Each page names its scope; the text checker is open to all teammates."""

from __future__ import annotations

from aiohttp import web

from widget.workspace import (
    audit,
    brand,
    checker,
    confirm,
    install,
    ledger,
    preview,
    profile,
    security,
    sign_in,
    subscriptions,
    teammates,
    tokens,
)


def add_routes(app: web.Application) -> None:
    for face in (
        audit,
        brand,
        checker,
        confirm,
        install,
        ledger,
        preview,
        profile,
        security,
        sign_in,
        subscriptions,
        teammates,
        tokens,
    ):
        face.add_routes(app)
