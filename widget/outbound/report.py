"""The report of a message, live while it is being sent."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.errors import Conflict
from bot.jobs.outbound_messages import MessageState, MessageStatus
from bot.jobs.rules import JobAction
from bot.model.base import now
from widget.contacts.definitions import Definitions
from widget.contacts.filter_view import sentence_of
from widget.jobs.view import job_view
from widget.outbound.deliveries import listing_of
from widget.outbound.pages import ONE, PATH, fragment
from widget.outbound.results import charts, pause_words, result_rows, tiles, unpriced_words
from widget.outbound.views import STATES, text_view
from widget.web.http import BOT
from widget.web.teammate_pages import Scope, by, done, requires, teammate_page, translated, translator_for
from widget.web.times import clock

SHOWN = 25
LIVE = frozenset({MessageState.SCHEDULED, MessageState.SENDING, MessageState.PAUSED})
"""States that change by themselves, or by another teammate."""
FRESH = timedelta(hours=1)
"""How long after its start opt-outs, clicks and replies are shown within seconds."""


async def show(request: web.Request) -> web.StreamResponse:
    bot = request.app[BOT]
    status, d = await asyncio.gather(bot.outbound.status(request.match_info["id"]), Definitions.load(request))
    message = status.message
    return await teammate_page(
        request,
        "outbound/report.html",
        section="outbound",
        title=message.name,
        subscription=d.subscription(message.subscription),
        audience=sentence_of(message.filter, d),
        text=text_view(message, await bot.workspace(), message.language, bot.public_url),
        **await _delivery(request, status),
    )


async def delivery(request: web.Request) -> web.StreamResponse:
    """The part of the report that changes."""
    status = await request.app[BOT].outbound.status(request.match_info["id"])
    return await fragment(request, "outbound/_delivery.html", **{**await _delivery(request, status), "is_update": True})


async def _delivery(request: web.Request, status: MessageStatus) -> dict[str, Any]:
    bot, say, job, message = request.app[BOT], translator_for(request), status.job, status.message
    figures, currency = await bot.figures.of(message.id), (await bot.workspace()).currency
    return {
        "message": message,
        "state": status.state,
        "states": STATES,
        "is_update": False,
        "is_live": status.state in LIVE,
        "is_fresh": message.ordered_at is not None and now() - message.ordered_at < FRESH,
        "local_time": clock.get().wall_time(status.message.local_at),
        "last_at": status.last_at,
        "job": job_view(job, bot.jobs.kinds[job.kind], say) if job else None,
        "pauses": [pause_words(pause, say) for pause in message.open_pauses],
        "rows": result_rows(figures.results, say),
        "tiles": tiles(figures, say, currency, counts_clicks=message.counts_clicks),
        "unpriced": unpriced_words(figures, say),
        "charts": charts(figures.series, say),
        **await listing_of(request, message.id, say, limit=SHOWN),
    }


async def act(request: web.Request) -> web.StreamResponse:
    """Pauses, resumes or cancels it. If somebody else was faster, the page shows the current state."""
    id = request.match_info["id"]
    try:
        await request.app[BOT].outbound.act(id, JobAction(request.match_info["act"]), by(request))
    except Conflict:
        raise done(f"{PATH}/{id}", translated(request, "The message has changed. Check its current state.")) from None
    raise web.HTTPSeeOther(f"{PATH}/{id}")


def add_routes(app: web.Application) -> None:
    sends = requires(Scope.SEND_MESSAGES)
    app.router.add_get(f"{ONE}/delivery", sends(delivery))
    app.router.add_post(f"{ONE}/{{act:pause|resume|cancel|retry}}", sends(act))
