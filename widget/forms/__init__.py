"""Public opt-in forms at `/f/{id}`: the card on a page of the brand, its program page, poster and QR code."""

from __future__ import annotations

from aiohttp import web

from widget.forms import pages, papers

FORM = "/f/{id:[0-9a-f]{24}}"


def add_routes(app: web.Application) -> None:
    app.router.add_get(FORM, pages.show)
    app.router.add_post(FORM, pages.submit)
    app.router.add_post(f"{FORM}/resend", pages.resend)
    app.router.add_post(f"{FORM}/change-number", pages.change_number)
    app.router.add_post(f"{FORM}/preferences", pages.manage)
    app.router.add_post(f"{FORM}/forget", pages.forget)
    app.router.add_get(f"{FORM}/terms", papers.terms)
    app.router.add_get(f"{FORM}/poster", papers.poster)
    app.router.add_get(f"{FORM}/qr.{{format:svg|png}}", papers.qr_code)
