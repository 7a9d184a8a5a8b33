"""The teammates' inbox: list, thread, panel, and the live line that holds them together."""

from __future__ import annotations

from aiohttp import web

from widget.inbox import actions, form, live, pages, panel
from widget.web.teammate_pages import agents

ONE = "/inbox/{conversation:[0-9a-f]{24}}"


def add_routes(app: web.Application) -> None:
    app.router.add_get("/inbox", agents(pages.inbox))
    app.router.add_get("/inbox/list", agents(pages.listed))
    app.router.add_get("/inbox/live", agents(live.live))
    app.router.add_get(ONE, agents(pages.show))
    app.router.add_get(f"{ONE}/parts", agents(pages.older))
    app.router.add_post(f"{ONE}/messages", agents(actions.write))
    app.router.add_post(f"{ONE}/actions", agents(actions.act))
    panel.add_routes(app)
    form.add_routes(app)
