"""The list of flows in the order in which they are tried."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, TypeAdapter

from bot.errors import marked as _
from bot.flows.triggers import Trigger
from bot.i18n import Translator
from bot.model.base import new_id
from bot.model.flow import Flow, FlowVersion
from widget.bots.options import FlowOptions
from widget.web.http import BOT
from widget.web.teammate_pages import (
    FormInput,
    Handler,
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

PATH = "/bots"
ONE = f"{PATH}/{{id:[a-z0-9_-]{{1,40}}}}"
STATES = {"draft": (_("Draft"), "plain"), "live": (_("Live"), "good"), "paused": (_("Paused"), "warn")}
"""Words and kind of badge."""
FIGURES = {"shown": _("Flow views"), "completed": _("Forms completed"), "confirmed": _("Sign-ups confirmed")}
"""Of a row, see `bot.flows.counting` and `bot.flows.outcomes`."""
DAYS = 30
TRIGGERS: TypeAdapter[tuple[Trigger, ...]] = TypeAdapter(tuple[Trigger, ...])


class FlowName(FormInput):
    name: Annotated[str, Field(min_length=1, max_length=100)]


class Move(FormInput):
    before: Annotated[str, Field(max_length=40)] = ""
    """The flow that then follows; empty: none."""


@dataclass(frozen=True, slots=True)
class FlowRow:
    flow: Flow
    head: FlowVersion | None
    """Its published version, without steps."""
    above: str | None
    """What it moves before when it moves up; None: it is the first."""
    below: str | None
    figures: Sequence[tuple[str, str]]
    """Numbers and what they count."""
    key: str = field(default_factory=new_id)
    """Of a copy of it."""

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        return TRIGGERS.validate_python(self.head.document.get("triggers", ())) if self.head else ()


def rows_of(
    flows: list[Flow], heads: Mapping[str, FlowVersion], totals: Mapping[str, Counter[str]], say: Translator
) -> list[FlowRow]:
    ids = [flow.id for flow in flows]
    return [
        FlowRow(
            flow,
            heads.get(flow.id),
            ids[i - 1] if i else None,
            (ids[i + 2] if i + 2 < len(ids) else "") if i + 1 < len(ids) else None,
            [(say.number(totals[flow.id][name]), say(words)) for name, words in FIGURES.items()],
        )
        for i, flow in enumerate(flows)
    ]


async def index(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    flows, options = await asyncio.gather(bot.flows.all(), FlowOptions.load(request))
    heads, totals = await asyncio.gather(
        bot.flows.heads(flows), bot.flow_figures.totals([flow.id for flow in flows], days=DAYS)
    )
    return await teammate_page(
        request,
        "bots/list.html",
        section="bots",
        title=say("Bots"),
        rows=rows_of(flows, heads, totals, say),
        days=DAYS,
        options=options,
        states=STATES,
    )


@redrawn_by(index)
async def create(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, FlowName)
    flow = await request.app[BOT].flows.create_empty(wanted.name, by(request))
    raise done(f"{PATH}/{flow.id}", translated(request, "Flow created. Add its steps."))


@redrawn_by(index)
async def move(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, Move)
    await request.app[BOT].flows.move(request.match_info["id"], wanted.before, by(request))
    raise done(PATH, translated(request, "Order saved."))


@redrawn_by(index)
async def remove(request: web.Request) -> web.StreamResponse:
    flow = await request.app[BOT].flows.remove(request.match_info["id"], by(request))
    raise done(PATH, translated(request, "%(name)s is removed.", name=flow.name), undo=f"{PATH}/{flow.id}/restore")


@redrawn_by(index)
async def restore(request: web.Request) -> web.StreamResponse:
    flow = await request.app[BOT].flows.restore(request.match_info["id"], by(request))
    raise done(PATH, translated(request, "%(name)s is restored.", name=flow.name))


def setting(state: Literal["live", "paused"], said: str) -> Handler:
    @redrawn_by(index)
    async def change(request: web.Request) -> web.StreamResponse:
        flow = await request.app[BOT].flows.set_state(request.match_info["id"], state, by(request))
        raise done(PATH, translated(request, said, name=flow.name))

    return change


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_FLOWS)
    app.router.add_get(PATH, manages(index))
    app.router.add_post(PATH, manages(create))
    app.router.add_post(f"{ONE}/move", manages(move))
    app.router.add_post(f"{ONE}/remove", manages(remove))
    app.router.add_post(f"{ONE}/restore", manages(restore))
    app.router.add_post(
        f"{ONE}/pause", manages(setting("paused", _("%(name)s is paused. Conversations in it finish.")))
    )
    app.router.add_post(f"{ONE}/resume", manages(setting("live", _("%(name)s is live."))))
