"""The demo shop: a page with the messenger on it."""

from __future__ import annotations

from aiohttp import web

from bot.i18n import translator
from widget.web.http import BOT, page, wanted_locale


async def shop(request: web.Request) -> web.Response:
    """The shop may run on another origin than Sayso (`localhost` and `127.0.0.1`), as a real one does."""
    url = request.app[BOT].public_url
    response = await page(request, "demo/shop.html", wanted_locale(request), widget_src=f"{url}/widget.js")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self' {url}; connect-src {url}; frame-src {url}; style-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return response


async def legal(request: web.Request) -> web.Response:
    locale = wanted_locale(request)
    say = translator(locale)
    title = say("Terms") if request.path.endswith("terms") else say("Privacy")
    message = say("This is a demo shop. A real shop would show its own text here.")
    return await page(request, "demo/legal.html", locale, title=title, message=message)


def add_routes(app: web.Application) -> None:
    app.router.add_get("/demo", shop)
    app.router.add_get("/demo/terms", legal)
    app.router.add_get("/demo/privacy", legal)
