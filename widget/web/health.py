"""Health checks of process and database, and metrics."""

from __future__ import annotations

from contextlib import suppress

from aiohttp import web

from bot.errors import StoreUnavailable
from widget.web.http import BOT, METRICS


async def healthz(request: web.Request) -> web.Response:
    """The process responds. The database's state is only reported: a restarted process would have the same one."""
    return web.json_response({"status": "ok", "database": await request.app[BOT].store.state()})


async def readyz(request: web.Request) -> web.Response:
    """The database accepts writes."""
    if await request.app[BOT].store.is_ready():
        return web.json_response({"status": "ok"})
    return web.json_response({"status": "database unavailable"}, status=503)


async def metrics(request: web.Request) -> web.Response:
    """Without the database, the figures of the queue stay as they were."""
    watch, figures = request.app[BOT].form_watch, request.app[METRICS]
    figures.forms(watch.used, watch.budget, watch.blocked)
    with suppress(StoreUnavailable):
        figures.queue(await request.app[BOT].queue.read())
    return web.Response(body=figures.text(), headers={"Content-Type": "text/plain; version=0.0.4"})


def add_routes(app: web.Application) -> None:
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
