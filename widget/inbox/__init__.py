"""The teammates' inbox: list, thread, contact panel, and live updates."""

from __future__ import annotations

from aiohttp import web

from widget.inbox import actions, form, live, opt_outs, pages, panel, replies, tags, transcript
from widget.web.teammate_pages import Scope, requires

reads, writes = requires(Scope.READ_CONVERSATIONS), requires(Scope.WRITE_CONVERSATIONS)
ONE = "/inbox/{conversation:[0-9a-f]{24}}"


def add_routes(app: web.Application) -> None:
    app.router.add_get("/inbox", reads(pages.inbox))
    app.router.add_get("/inbox/list", reads(pages.listed))
    app.router.add_get("/inbox/live", reads(live.live))
    app.router.add_get(ONE, reads(pages.show))
    app.router.add_get(f"{ONE}/parts", reads(pages.older))
    app.router.add_post(f"{ONE}/messages", writes(actions.write))
    app.router.add_post(f"{ONE}/actions", writes(actions.act))
    app.router.add_post(f"{ONE}/flows", writes(actions.start_flow))
    app.router.add_get(f"{ONE}/transcript.txt", reads(transcript.download))
    opt_outs.add_routes(app)
    panel.add_routes(app)
    form.add_routes(app)
    replies.add_routes(app)
    tags.add_routes(app)
