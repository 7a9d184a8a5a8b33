"""Opt-out requests: texts that are likely revocations, against the time that the law gives."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from aiohttp import web
from babel.units import format_unit

from bot.compliance.revocation import business_days_left
from bot.contacts.opt_out_requests import COUNTED, RevocationTimes
from bot.i18n import Translator
from bot.model.base import now
from bot.model.event import Context
from widget.inbox.views import name_of
from widget.web.http import BOT, client_ip, user_agent
from widget.web.input import cursor_of
from widget.web.teammate_pages import Scope, by, done, requires, teammate_page, translated, translator_for

UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))
BOARD = "/inbox/opt-outs"


async def show(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    page, number, requests, confirmations = await asyncio.gather(
        bot.opt_out_requests.page(cursor_of(request, datetime, str)),
        bot.opt_out_requests.count(),
        bot.opt_out_requests.request_times(),
        bot.opt_out_requests.confirmation_times(),
    )
    time = now()
    return await teammate_page(
        request,
        "inbox/opt_outs.html",
        section="inbox",
        title=say("Opt-out requests"),
        rows=[(row, name_of(row.contact, say), business_days_left(row.request.due_at, time)) for row in page.items],
        number=f"{COUNTED}+" if number > COUNTED else str(number),
        next=page.next,
        times=[
            (say("Request to opt-out"), *_shown(requests, say)),
            (say("STOP to confirmation"), *_shown(confirmations, say)),
        ],
    )


def _shown(times: RevocationTimes, say: Translator) -> tuple[str, str, int]:
    return _length(times.median, say), _length(times.longest, say), times.number


def _length(time: timedelta | None, say: Translator) -> str:
    if time is None:
        return "–"
    seconds = time.total_seconds()
    unit, name = next((unit for unit in UNITS if seconds >= unit[0]), (1, "second"))
    return format_unit(round(seconds / unit), f"duration-{name}", length="short", locale=say.locale)


async def opt_out(request: web.Request) -> web.StreamResponse:
    context = Context(ip=client_ip(request), user_agent=user_agent(request))
    await request.app[BOT].opt_out_requests.honor(request.match_info["request"], by(request), context)
    raise done(BOARD, translated(request, "Opted out of all texts."))


async def dismiss(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].opt_out_requests.dismiss(request.match_info["request"], by(request))
    raise done(BOARD, translated(request, "Removed from the list. No changes were made."))


def add_routes(app: web.Application) -> None:
    one = f"{BOARD}/{{request:[0-9a-f]{{24}}:[0-9]{{10}}}}"
    app.router.add_get(BOARD, requires(Scope.READ_CONVERSATIONS)(show))
    app.router.add_post(f"{one}/opt-out", requires(Scope.WRITE_CONTACTS)(opt_out))
    app.router.add_post(f"{one}/dismiss", requires(Scope.WRITE_CONTACTS)(dismiss))
