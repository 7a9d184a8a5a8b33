"""Settings > Abuse protection: the limits on texts that forms cause, and the blocked number prefixes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from aiohttp import web
from pydantic import BeforeValidator

from bot.consent.form_windows import DAY, HOUR, TEN_MINUTES, WINDOWS
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.base import now
from bot.model.form_limits import AbuseLimits, Limit
from widget.web.forms import FormInput
from widget.web.http import BOT
from widget.web.teammate_pages import (
    Scope,
    by,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translated,
    translator_for,
)

PATH = "/settings/abuse"
SHOWN = 200
"""Blocked prefixes on the page."""
NAMES = {
    Limit.NETWORK: _("One network (IPv4 /24, IPv6 /64)"),
    Limit.SESSION: _("One visitor"),
    Limit.PREFIX: _("Numbers that differ only in their last four digits"),
    Limit.COUNTRY: _("One country other than yours"),
    Limit.BUDGET: _("All forms together"),
    Limit.BLOCKED_PREFIX: _("Blocked prefixes"),
    Limit.PROOF: _("Browsers that couldn't do the proof of work"),
}

PERIODS = {TEN_MINUTES: _("%(count)s in ten minutes"), HOUR: _("%(count)s an hour"), DAY: _("%(count)s a day")}


def _whole(most: int, problem: str) -> Callable[[object], int]:
    def read(typed: object) -> int:
        text = str(typed).strip()
        if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
            raise ValueError(problem)
        return int(text)

    return read


Whole = Annotated[int, BeforeValidator(_whole(1_000_000, _("Enter a whole number from 1 to 1,000,000.")))]
Percent = Annotated[int, BeforeValidator(_whole(100, _("Enter a percentage from 1 to 100.")))]


class LimitsForm(FormInput):
    prefix: Whole
    session: Whole
    country: Whole
    budget: Whole
    alarm: Percent
    asks_proof: bool = False


async def show(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    workspace, withheld = await bot.workspace(), await bot.form_limits.withheld_today()
    network = bot.form_limits.network
    return await teammate_page(
        request,
        "workspace/abuse.html",
        section="settings",
        title=say("Abuse protection"),
        part="abuse",
        limits=workspace.abuse,
        is_on=network > 0,
        texts_from=workspace.texts_from,
        used=await bot.form_limits.used(Limit.BUDGET),
        rows=[
            (say(name), _most(limit, workspace.abuse, network, say), withheld[limit]) for limit, name in NAMES.items()
        ],
        blocked=await bot.store.blocked_prefixes.blocked(now(), limit=SHOWN),
    )


def _most(limit: Limit, limits: AbuseLimits, network: int, say: Translator) -> str:
    if limit in {Limit.BLOCKED_PREFIX, Limit.PROOF}:
        return "0"
    most = network if limit is Limit.NETWORK else getattr(limits, limit.value)
    each = [say(PERIODS[seconds], count=str(most * factor)) for seconds, factor in WINDOWS[limit]]
    return ", ".join(each)


@redrawn_by(show)
async def save(request: web.Request) -> web.StreamResponse:
    typed = await read_input(request, LimitsForm)
    await request.app[BOT].abuse.save(AbuseLimits(**typed.model_dump()), by(request))
    raise done(PATH, translated(request, "Saved."))


async def unblock(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].abuse.unblock(f"+{request.match_info['prefix']}", by(request))
    raise done(PATH, translated(request, "Prefix unblocked."))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_WORKSPACE)
    app.router.add_get(PATH, manages(show))
    app.router.add_post(PATH, manages(save))
    app.router.add_post(f"{PATH}/{{prefix:[0-9]{{1,16}}}}/unblock", manages(unblock))
