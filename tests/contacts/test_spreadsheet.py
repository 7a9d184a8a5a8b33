"""No cell of an export is a formula, and an import reads it as it was."""

from __future__ import annotations

import pytest

from bot.contacts.imports.cells import plain_text
from bot.contacts.spreadsheet import csv_lines, harmless


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_a_formula_is_exported_as_text_and_imported_as_it_was(sign: str) -> None:
    cell = f'{sign}HYPERLINK("https://evil.example")'
    assert harmless(cell) == f"'{cell}"
    assert plain_text(harmless(cell)) == cell


def test_a_cell_begins_no_line_of_its_own() -> None:
    (line,) = csv_lines([("\n=1+1", "\r=1+1", "\t=1+1")]).decode().splitlines()[:1]
    assert line.startswith("\"'")


def test_other_text_stays_as_it_is() -> None:
    assert [harmless(cell) for cell in ("Maya", "O'Hara", "", "1-2")] == ["Maya", "O'Hara", "", "1-2"]
