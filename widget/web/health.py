"""Health checks of process and database, and metrics."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web

from bot.app import Bot
from bot.errors import StoreUnavailable
from widget.web.http import BOT, METRICS
from widget.web.metrics import Metrics


async def healthz(request: web.Request) -> web.Response:
    """The process responds. The database's state is only reported: a restarted process would have the same one."""
    return web.json_response({"status": "ok", "database": await request.app[BOT].store.state()})


async def readyz(request: web.Request) -> web.Response:
    """The database accepts writes."""
    if await request.app[BOT].store.is_ready():
        return web.json_response({"status": "ok"})
    return web.json_response({"status": "database unavailable"}, status=503)


async def metrics(request: web.Request) -> web.Response:
    """Without the database, the figures of the queue and of opt-outs stay as they were."""
    bot, figures = request.app[BOT], request.app[METRICS]
    figures.forms(bot.form_watch.used, bot.form_watch.budget, bot.form_watch.blocked)
    with suppress(StoreUnavailable):
        figures.queue(await bot.queue.read())
        await _measure_revocations(bot, figures)
    return web.Response(body=figures.text(), headers={"Content-Type": "text/plain; version=0.0.4"})


async def _measure_revocations(bot: Bot, measured: Metrics) -> None:
    requests = bot.opt_out_requests
    number, overdue, of_requests, of_confirmations = await asyncio.gather(
        requests.count(), requests.count(is_overdue=True), requests.request_times(), requests.confirmation_times()
    )
    measured.opt_out_requests.labels("open").set(number)
    measured.opt_out_requests.labels("overdue").set(overdue)
    for name, times in (("request", of_requests), ("stop_confirmation", of_confirmations)):
        for stat, time in (("median", times.median), ("longest", times.longest)):
            measured.revocation_seconds.labels(name, stat).set(time.total_seconds() if time else 0)


def add_routes(app: web.Application) -> None:
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
