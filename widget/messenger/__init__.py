"""The chat widget: launcher, page, thread, cards, live updates."""

from __future__ import annotations

from aiohttp import web

from widget.messenger import card, live, pages, thread


def add_routes(app: web.Application) -> None:
    app.router.add_get("/widget.js", pages.launcher)
    app.router.add_get("/widget-timers.js", pages.timers)
    app.router.add_get("/messenger", pages.messenger)
    app.router.add_post("/messenger/open", thread.open_messenger)
    app.router.add_post("/messenger/unread", thread.unread)
    app.router.add_post("/messenger/stayed", thread.stayed)
    app.router.add_get("/messenger/conversations", thread.conversations)
    app.router.add_get("/messenger/conversations/{conversation:[0-9a-f]{24}}/parts", thread.older)
    app.router.add_post("/messenger/conversations/{conversation:[0-9a-f]{24}}/messages", thread.say)
    app.router.add_post("/messenger/conversations/{conversation:[0-9a-f]{24}}/dismiss", thread.dismiss)
    one = "/messenger/conversations/{conversation:[0-9a-f]{24}}/cards/{seq:[0-9]{1,9}}"
    app.router.add_post(one, card.submit)
    app.router.add_post(f"{one}/resend", card.resend)
    app.router.add_post(f"{one}/change-number", card.change_number)
    app.router.add_post(f"{one}/disown", card.disown)
    app.router.add_post("/messenger/preferences", card.manage)
    app.router.add_get("/messenger/live", live.live)
