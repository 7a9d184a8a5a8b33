"""Tables as CSV files for spreadsheets, written page by page."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence

from aiohttp import web


async def send_csv(
    request: web.Request, name: str, columns: Sequence[str], pages: AsyncIterator[Iterable[Sequence[str]]]
) -> web.StreamResponse:
    """The address must end in `.csv`, which exempts it from the request time limit."""
    response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{name}"'})
    response.content_type, response.charset = "text/csv", "utf-8"
    await response.prepare(request)
    await response.write(_lines([columns]))
    async for page in pages:
        await response.write(_lines(page))
    await response.write_eof()
    return response


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _harmless(cell: str) -> str:
    """Escapes cells that a spreadsheet would run as formulas."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
