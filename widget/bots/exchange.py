"""Flows as files: downloaded, imported, and copied to a new flow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.errors import FormWrong
from bot.errors import marked as _
from bot.flows.faults import FlowFault
from bot.flows.service import FlowFaulty
from bot.model.audit import AuditAction
from bot.model.base import new_id
from widget.bots.pages import ONE, PATH
from widget.web.http import BOT
from widget.web.teammate_pages import (
    FormInput,
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
from widget.web.uploads import FILES, taking_files

MOST_BYTES = 1_500_000
"""Of the form: more than a flow can have, so that the check says so."""
IMPORT = f"{PATH}/-/import"
FAULTS = web.RequestKey("import_faults", Sequence[FlowFault])
NOTHING = _("Choose a file or paste a flow.")
Id = Annotated[str, Field(pattern="^[0-9a-f]{24}$")]


class ImportForm(FormInput):
    key: Id
    text: str = ""


class DuplicateForm(FormInput):
    name: Annotated[str, Field(max_length=100)] = ""
    key: Id


async def export(request: web.Request) -> web.StreamResponse:
    """The published version, or the one that `?version=` names; of a flow that was never published, its draft."""
    bot, id, wanted = request.app[BOT], request.match_info["id"], request.query.get("version", "")
    is_number = wanted.isascii() and wanted.isdecimal() and len(wanted) < 7
    text = (await bot.flows.document(id, int(wanted))).as_file() if is_number else await bot.flow_drafts.as_file(id)
    name = re.sub(r"[^a-z0-9]+", "-", (await bot.flows.get(id)).name.lower()).strip("-")[:60] or "flow"
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"', "Cache-Control": "private, no-store"}
    return web.Response(text=text, content_type="application/json", headers=headers)


async def show(request: web.Request) -> web.StreamResponse:
    say = translator_for(request)
    faults = [
        (fault.path, fault.step, say(fault.text, **fault.values), fault.is_warning) for fault in request.get(FAULTS, ())
    ]
    return await teammate_page(
        request, "bots/import.html", section="bots", title=say("Import a flow"), faults=faults, key=new_id()
    )


@redrawn_by(show)
async def take(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, ImportForm)
    text = request.get(FILES, {}).get("file") or wanted.text
    if not text:
        raise FormWrong({"file": NOTHING})
    flows, action = request.app[BOT].flows, AuditAction.FLOW_IMPORTED
    try:
        flow = await flows.create(text, by(request), id=wanted.key, action=action)
    except FlowFaulty as faulty:
        request[FAULTS] = faulty.faults
        raise
    raise done(f"{PATH}/{flow.id}", translated(request, "Flow imported as a draft."))


async def duplicate(request: web.Request) -> web.StreamResponse:
    wanted, bot, id = await read_input(request, DuplicateForm), request.app[BOT], request.match_info["id"]
    usual = translated(request, "Copy of %(name)s", name=(await bot.flows.get(id)).name)[:100]
    made = await bot.flow_drafts.duplicate(id, wanted.name or usual, by(request), key=wanted.key)
    raise done(f"{PATH}/{made.id}", translated(request, "Flow duplicated as a draft."))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_FLOWS)
    app.router.add_get(IMPORT, manages(show))
    app.router.add_post(IMPORT, taking_files(manages(take), most=MOST_BYTES))
    app.router.add_get(f"{ONE}/export.json", manages(export))
    app.router.add_post(f"{ONE}/duplicate", manages(duplicate))
