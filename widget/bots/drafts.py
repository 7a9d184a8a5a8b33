"""Draft of a flow, as JSON for the editor's script: read and saved."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.errors import Invalid
from bot.errors import marked as _
from bot.flows.drafts import MOST_BYTES, DraftChanged, name_in
from bot.model.flow import FlowDraft
from widget.bots.faults import shown
from widget.bots.pages import ONE
from widget.web.http import BOT
from widget.web.teammate_pages import Scope, by, requires, translated, translator_for

ENVELOPE = 1_000
"""Bytes of a request beside the document."""


async def show(request: web.Request) -> web.StreamResponse:
    """`?revision=`: the document is left out if that is the newest one."""
    draft = await request.app[BOT].flow_drafts.get(request.match_info["id"])
    is_known = request.query.get("revision") == str(draft.revision)
    return web.json_response(_head(draft) if is_known else await _whole(request, draft))


async def save(request: web.Request) -> web.StreamResponse:
    """The body is the document, `?revision=` the one that it continues. 409, with the newest, if that isn't it."""
    revision = request.query.get("revision", "")
    if not revision.isdecimal() or len(revision) > 9:
        raise Invalid(_("Invalid value: %(field)s."), field="revision")
    text = await _read(request)
    faults = await _faults(request, text)  # before it is saved: what can't be checked can't be shown
    try:
        draft = await request.app[BOT].flow_drafts.save(request.match_info["id"], text, int(revision), by(request))
    except DraftChanged as changed:
        return web.json_response(await _whole(request, changed.newer), status=409)
    return web.json_response({**_head(draft), "faults": faults})


async def copy(request: web.Request) -> web.StreamResponse:
    """Another flow with the document of the body as its draft."""
    bot, text = request.app[BOT], await _read(request)
    known = (await bot.flows.get(request.match_info["id"])).name
    name = translated(request, "Copy of %(name)s", name=name_in(text) or known)[:100]
    made = await bot.flow_drafts.copy(text, name, by(request))
    return web.json_response({"id": made.id, "name": made.name})


async def _read(request: web.Request) -> str:
    """Raises Invalid, and 413 for more than a draft may have."""
    if request.content_type != "application/json":
        raise Invalid(_("Invalid value: %(field)s."), field="Content-Type")
    body = await request.clone(client_max_size=MOST_BYTES + ENVELOPE).read()
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Invalid(_("Invalid value: %(field)s."), field="body") from None


def _head(draft: FlowDraft) -> dict[str, Any]:
    return {"revision": draft.revision, "by": draft.by, "by_name": draft.by_name, "is_published": draft.is_published}


async def _whole(request: web.Request, draft: FlowDraft) -> dict[str, Any]:
    return {**_head(draft), "text": draft.text, "faults": await _faults(request, draft.text)}


async def _faults(request: web.Request, text: str) -> list[dict[str, object]]:
    return shown((await request.app[BOT].flows.check(text)).faults, translator_for(request))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_FLOWS)
    app.router.add_get(f"{ONE}/draft", manages(show))
    app.router.add_post(f"{ONE}/draft", manages(save))
    app.router.add_post(f"{ONE}/draft/copy", manages(copy))
