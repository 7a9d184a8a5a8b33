"""Export of selected contacts: a small selection as a direct download, a large one as a job whose file is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from bot.contacts.export import ExportFormat
from bot.contacts.finder import ContactCount
from bot.errors import Invalid, NotFound
from bot.jobs.kinds.export_contacts import ExportContacts, ExportInput, ExportPlace
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.workspace.access import Scope
from widget.contacts.bulk import PATH as BULK
from widget.contacts.bulk import step_page
from widget.contacts.bulk_view import count_words
from widget.contacts.selection import read_selection
from widget.web.downloads import Download, send_file
from widget.web.forms import again
from widget.web.http import BOT
from widget.web.teammate_pages import by, requires, translator_for

PATH = "/contacts/exports"
DIRECT = 5000
"""Contacts that are sent at once; more become a job."""
FORMAT = "{format:csv|ndjson}"
TYPES = {ExportFormat.CSV: "text/csv", ExportFormat.NDJSON: "application/x-ndjson"}


async def ask(request: web.Request) -> web.StreamResponse:
    say = translator_for(request)
    try:
        selection = await read_selection(request)
        count = await request.app[BOT].selected.count(selection)
    except Invalid as wrong:
        return await again(request, _fault, wrong)
    values = {"selection": selection, "count_words": count_words(count, say), "is_direct": _is_direct(count)}
    return await step_page(request, "contacts/_bulk_export.html", say("Export contacts"), **values)


def _is_direct(count: ContactCount) -> bool:
    return count.is_exact and count.number <= DIRECT


async def _fault(request: web.Request) -> web.StreamResponse:
    return await step_page(request, "contacts/_bulk_fault.html", translator_for(request)("Export contacts"))


async def export(request: web.Request) -> web.StreamResponse:
    bot, format = request.app[BOT], ExportFormat(request.match_info["format"])
    selection = await read_selection(request)
    count = await bot.selected.count(selection)
    if _is_direct(count):
        pieces = bot.export.stream(selection, format)
        return await _send(request, f"{now():%Y-%m-%d}", format, pieces, f"{count.number} {format}")
    input = ExportInput(
        selection=selection, size=count.number, ordered_at=now(), format=format, columns=await bot.export.columns()
    )
    job = await bot.jobs.start(ExportContacts, input, by(request), detail=f"{count.number} {format}")
    raise web.HTTPSeeOther(f"/settings/jobs/{job.id}")


async def download(request: web.Request) -> web.StreamResponse:
    """The file of a job that is done."""
    bot, id, format = request.app[BOT], request.match_info["id"], request.match_info["format"]
    job = await bot.jobs.get(id)
    if job.kind != ExportContacts.name or bot.jobs.kinds[job.kind].file(job) != request.path:
        raise NotFound
    if not await bot.store.export_pieces.has_file(id, now()):
        raise NotFound
    place = ExportPlace.model_validate(job.checkpoint)
    pieces = bot.store.export_pieces.read(id, place.pieces)
    return await _send(request, f"{job.created_at:%Y-%m-%d}", ExportFormat(format), pieces, f"{job.done} {format}")


async def _send(
    request: web.Request, day: str, format: ExportFormat, pieces: AsyncIterator[bytes], detail: str
) -> web.StreamResponse:
    download = Download(AuditAction.CONTACTS_EXPORTED, detail=detail)
    return await send_file(request, f"contacts-{day}.{format}", TYPES[format], pieces, download)


def add_routes(app: web.Application) -> None:
    bulk = requires(Scope.BULK_CONTACTS)
    app.router.add_post(f"{BULK}/export", bulk(ask))
    app.router.add_post(f"{PATH}.{FORMAT}", bulk(export))
    app.router.add_get(f"{PATH}/{{id:[0-9a-f]{{24}}}}.{FORMAT}", bulk(download))
