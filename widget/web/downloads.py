"""Files that are written page by page; tables as CSV for spreadsheets."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.contacts.spreadsheet import csv_lines
from bot.model.audit import AuditAction
from bot.model.teammate import By
from widget.web.access import by
from widget.web.http import BOT

log = logging.getLogger("sayso.http")


@dataclass(frozen=True, slots=True)
class Download:
    """How the audit log names it: what leaves is recorded before its first byte."""

    action: AuditAction
    subject: str = ""
    detail: str = ""


async def send_file(
    request: web.Request,
    name: str,
    content_type: str,
    pieces: AsyncIterator[bytes],
    download: Download,
    *,
    who: By | None = None,
    more: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    """The address must end in `.csv`, `.txt`, `.zip`, `/file` or `{format}`, which exempts it from the request time
    limit. `who`: if not the signed-in teammate. `more`: headers."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    response = web.StreamResponse(headers={**headers, **(more or {})})
    response.content_type, response.charset = content_type, "utf-8"
    if request.method != "HEAD":
        log = request.app[BOT].audit
        await log.record(who or by(request), download.action, download.subject, detail=download.detail)
    await response.prepare(request)
    if request.method != "HEAD":
        await _write(response, request, pieces)
    return response


async def _write(response: web.StreamResponse, request: web.Request, pieces: AsyncIterator[bytes]) -> None:
    """An error ends the connection, so that the client sees that the file is incomplete: it is too late to answer
    anything else."""
    try:
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    except Exception as error:
        log.error("download failed", exc_info=None if isinstance(error, ConnectionError) else error)
        if request.transport:
            request.transport.abort()


async def send_csv(
    request: web.Request,
    name: str,
    columns: Sequence[str],
    pages: AsyncIterator[Iterable[Sequence[str]]],
    download: Download,
) -> web.StreamResponse:
    return await send_file(request, name, "text/csv", csv_pieces(columns, pages), download)


async def csv_pieces(columns: Sequence[str], pages: AsyncIterator[Iterable[Sequence[str]]]) -> AsyncIterator[bytes]:
    yield csv_lines([columns])
    async for page in pages:
        yield csv_lines(page)
