"""The editor of one flow: a page around its draft. Publishing, and going back to what is published."""

from __future__ import annotations

import asyncio
from typing import Annotated

from aiohttp import web
from markupsafe import Markup
from pydantic import Field

from bot.flows.drafts import DraftChanged, DraftOutdated
from bot.flows.service import FlowFaulty
from bot.i18n import locales
from bot.model.base import new_id
from widget.bots.faults import shown
from widget.bots.kinds import STEPS, TRIGGERS
from widget.bots.options import FlowOptions
from widget.bots.pages import ONE, PATH, STATES
from widget.web.http import BOT
from widget.web.languages import named
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    by,
    done,
    read_input,
    requires,
    teammate_page,
    translated,
    translator_for,
)


class AtRevision(FormInput):
    revision: Annotated[int, Field(ge=0)]


class Publication(AtRevision):
    """`replaces`: the version that the page said is newer than the draft."""

    replaces: Annotated[int, Field(ge=0)] = 0
    note: Annotated[str, Field(max_length=500)] = ""


async def show(request: web.Request) -> web.StreamResponse:
    bot, id = request.app[BOT], request.match_info["id"]
    flow = await bot.flows.get(id)
    draft, options = await asyncio.gather(bot.flow_drafts.get(id), FlowOptions.load(request, id))
    checked, say = await bot.flows.check(draft.text), translator_for(request)
    return await teammate_page(
        request,
        "bots/editor.html",
        section="bots",
        title=flow.name,
        flow=flow,
        draft=draft,
        is_outdated=draft.base < flow.version,
        document=as_script(draft.text),
        faults=shown(checked.faults, say),
        options=options,
        states=STATES,
        step_kinds=STEPS,
        trigger_kinds=TRIGGERS,
        languages=named(locales(), say),
        key=new_id(),
    )


def as_script(json: str) -> Markup:
    """JSON for a `<script>`: it can't end the element."""
    return Markup(json.replace("<", "\\u003c"))  # noqa: S704 - the only character that ends a script


async def publish(request: web.Request) -> web.StreamResponse:
    id, wanted = request.match_info["id"], await read_input(request, Publication)
    drafts = request.app[BOT].flow_drafts
    try:
        version = await drafts.publish(id, wanted.revision, by(request), replaces=wanted.replaces, note=wanted.note)
    except (FlowFaulty, DraftChanged, DraftOutdated) as why:
        raise done(f"{PATH}/{id}", translated(request, why.text, **why.values), "bad") from None
    raise done(f"{PATH}/{id}", translated(request, "Version %(number)s is published.", number=str(version.version)))


async def discard(request: web.Request) -> web.StreamResponse:
    id, wanted = request.match_info["id"], await read_input(request, AtRevision)
    try:
        await request.app[BOT].flow_drafts.discard(id, wanted.revision, by(request))
    except DraftChanged as why:
        raise done(f"{PATH}/{id}", translated(request, why.text, **why.values), "bad") from None
    raise done(f"{PATH}/{id}", translated(request, "Draft discarded."))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_FLOWS)
    app.router.add_get(ONE, manages(show))
    app.router.add_post(f"{ONE}/publish", manages(publish))
    app.router.add_post(f"{ONE}/discard", manages(discard))
