"""Export of selected contacts: a small selection as a direct download, a large one as a job whose file is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from bot.contacts.export import ExportFormat
from bot.contacts.finder import ContactCount
from bot.errors import Invalid, NotFound
from bot.jobs.contact_exports import format_of
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
    job = await bot.exports.start(selection, count.number, format, by(request))
    raise web.HTTPSeeOther(f"/settings/jobs/{job.id}")


async def download(request: web.Request) -> web.StreamResponse:
    """The file of a job that is done."""
    file = await request.app[BOT].exports.file(request.match_info["id"])
    format = format_of(file.job)
    if format != request.match_info["format"]:
        raise NotFound
    day, detail = f"{file.job.created_at:%Y-%m-%d}", f"{file.job.done} {format}"
    return await _send(request, day, format, file.pieces, detail)


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
