"""Files as people export and save them: each is read, or refused with a reason."""

from __future__ import annotations

import codecs
import io
import tracemalloc
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from bot.contacts.imports.reading import LONGEST_LINE, MOST_COLUMNS, Table, TableRefused, encoding_of, read_table
from tests.people import PIXEL

HEADER, ADA = ["Name", "Phone"], ["Ada", "2015550123"]


def table(data: bytes | str, encoding: str = "") -> Table:
    return read_table(io.BytesIO(data.encode() if isinstance(data, str) else data), encoding)


def cells(data: bytes | str, encoding: str = "") -> list[list[str]]:
    """With the header first."""
    found = table(data, encoding)
    return [[*found.columns], *(row.cells for row in found.rows)]


def refusal(data: bytes | str | BinaryIO) -> str:
    data = data.encode() if isinstance(data, str) else data
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    with pytest.raises(TableRefused) as refused:
        list(read_table(file).rows)
    return str(refused.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_recognized(delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in (HEADER, ADA, ["Ben", "2015550124"]))
    assert cells(text) == [HEADER, ADA, ["Ben", "2015550124"]]


def test_a_single_column_needs_no_delimiter() -> None:
    assert cells("Phone\n2015550123\n2015550124\n") == [["Phone"], ["2015550123"], ["2015550124"]]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp1251", "shift_jis"]
)
def test_encodings_are_recognized(encoding: str) -> None:
    name = {"cp1251": "Иван Петров", "shift_jis": "山田太郎"}.get(encoding, "José Müller")
    text = "Name;Phone\n" + f"{name};2015550123\n" * 20
    assert cells(text.encode(encoding))[1] == [name, "2015550123"]


@pytest.mark.parametrize(("mark", "encoding"), [(codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")])
def test_utf_16_with_a_byte_order_mark(mark: bytes, encoding: str) -> None:
    assert cells(mark + "Name\tPhone\r\nZoë\t2015550123\r\n".encode(encoding)) == [HEADER, ["Zoë", "2015550123"]]


def test_an_encoding_that_shows_only_after_a_long_plain_beginning() -> None:
    text = "Name,Phone\n" + "Ada,2015550123\n" * 20_000 + "Zoë Ångström,2015550124\n"
    assert cells(text.encode("cp1252"))[-1] == ["Zoë Ångström", "2015550124"]
    assert cells(text.encode())[-1] == ["Zoë Ångström", "2015550124"]


def test_an_encoding_that_is_named_is_used_or_refused() -> None:
    data = "Name,Phone\nŁukasz,1\n".encode("cp1250")
    assert cells(data, "cp1250")[1] == ["Łukasz", "1"]
    with pytest.raises(TableRefused, match="utf-8"):
        table(data, "utf-8")


def test_quotes_may_hold_delimiters_quotes_and_line_breaks() -> None:
    text = 'Name,Phone\n"Lovelace, ""Ada""\nCountess",2015550123\nBen,2015550124\n'
    found = [*table(text).rows]
    assert found[0].cells == ['Lovelace, "Ada"\nCountess', "2015550123"]
    assert [row.line for row in found] == [2, 4]


def test_line_endings_may_be_mixed() -> None:
    assert cells("Name,Phone\r\nAda,1\nBen,2\rEve,3\r\n") == [HEADER, ["Ada", "1"], ["Ben", "2"], ["Eve", "3"]]


def test_excel_may_name_the_delimiter_in_the_first_line() -> None:
    found = table("sep=;\r\nName;Phone\r\nAda;1\r\n")
    assert (found.columns, [(row.line, row.cells) for row in found.rows]) == (("Name", "Phone"), [(3, ["Ada", "1"])])


def test_blank_lines_are_skipped_and_counted_as_lines() -> None:
    assert [row.line for row in table("Name,Phone\n\nAda,1\n,\n  \nBen,2\n").rows] == [3, 6]


def test_ragged_rows_are_read_as_they_are() -> None:
    assert cells("Name,Phone\nAda\nBen,2,x,y\n") == [HEADER, ["Ada"], ["Ben", "2", "x", "y"]]


def test_a_row_of_very_many_cells_is_refused() -> None:
    assert refusal(io.BytesIO(b"Name,Phone\nAda,1\n" + b"," * 500)) == "The file has more than 200 columns."


def test_quoted_lines_do_not_make_one_row_of_the_whole_file() -> None:
    """No cell is long, and no line."""
    assert "Line 3 " in refusal(io.BytesIO(b"Name,Phone\nAda,1\n" + b'"a\n",' * 300_000))


def test_names_of_columns_may_be_missing_or_duplicate() -> None:
    found = table("Phone,,Phone,\n1,2,3,4\n")
    assert (found.columns, found.has_header) == (("Phone", "", "Phone"), True)


def test_a_file_without_a_header_keeps_its_first_row() -> None:
    found = table("Ada,(201) 555-0123\nBen,(201) 555-0124\n")
    assert (found.has_header, found.columns) == (False, ("", ""))
    assert [row.line for row in found.rows] == [1, 2]


def test_null_bytes_are_left_to_the_row() -> None:
    assert cells("Name,Phone\nA\0da,1\nBen,2\n")[1:] == [["A\0da", "1"], ["Ben", "2"]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\n", "empty"),
        (codecs.BOM_UTF8, "empty"),
        ("Name,Phone\n", "no data"),
        ("Name,Phone", "no data"),
        (PIXEL, "picture"),
        (b"PK\x03\x04" + bytes(100), "Excel"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x1f\x8b" + bytes(50), "compressed"),
        (bytes(range(1, 32)) * 10, "text file"),
        (bytes(range(256)) * 40, "text file"),
        (",".join(f"c{i}" for i in range(MOST_COLUMNS + 1)) + "\n1\n", "columns"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes | str, reason: str) -> None:
    assert reason in refusal(data)


def test_an_endless_field_is_refused_by_its_line() -> None:
    assert "Line 2 " in refusal("Name,Phone\n" + "x" * (LONGEST_LINE + 1) + ",1\n")
    assert "Line 3 " in refusal("Name,Phone\nAda,1\n" + '"never closed\n' + "Ben,2\n" * 100_000)


class _Endless(io.RawIOBase):
    """A file with one field of 50 MB, which takes no memory itself."""

    SIZE = 50_000_000
    BEGIN = b'Name,Phone\nAda,1\n"'

    def __init__(self) -> None:
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._place = offset
        return offset

    def tell(self) -> int:
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        end = min(self._place + size, self.SIZE)
        piece = (self.BEGIN[self._place : end] + b"x" * (end - max(self._place, len(self.BEGIN))))[: end - self._place]
        self._place = end
        return piece


def test_a_field_of_50_mb_is_refused_in_bounded_memory() -> None:
    tracemalloc.start()
    reason = refusal(_Endless())  # type: ignore[arg-type]
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "Line 3 " in reason
    assert peak < 30_000_000


def test_rows_are_read_one_by_one() -> None:
    tracemalloc.start()
    rows: Iterator[object] = table("Name,Phone\n" + "Ada Lovelace,2015550123\n" * 40_000).rows
    before, _peak = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    assert sum(1 for _ in rows) == 40_000
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before < 3_000_000


def test_quotes_without_end_take_no_time() -> None:
    """The sniffer alone would take minutes."""
    assert encoding_of(io.BytesIO(b'a,"' * 30_000)) == "utf-8"
    assert table('Name,Phone\n"Ada",1\n' + ',"a' * 20_000).delimiter == ","
