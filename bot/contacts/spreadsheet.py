"""CSV that a spreadsheet opens without running any of it. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula begins with; in some languages of spreadsheets also the full-width signs."""


def harmless(cell: str) -> str:
    """Escapes cells that a spreadsheet would run as formulas."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
