"""Reads a table of any encoding and CSV dialect, in bounded memory. Knows nothing of contacts."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from charset_normalizer import from_bytes

from bot.errors import Invalid
from bot.errors import marked as _

HEAD = 64 * 1024
"""Bytes that encoding and dialect are guessed from."""
MOST_ROWS = 2_000_000
TOO_MANY_ROWS = _("The file has more than %(most)s rows. Split it into smaller files.")
MOST_COLUMNS = 200
LONGEST_LINE = 1_000_000
"""Characters of one row."""
PIECE = 1024 * 1024
DELIMITERS = ",;\t|"
NOT_TEXT = {
    b"\x89PNG": _("This is a picture. Upload a CSV file."),
    b"\xff\xd8\xff": _("This is a picture. Upload a CSV file."),
    b"GIF8": _("This is a picture. Upload a CSV file."),
    b"%PDF": _("This is a PDF. Upload a CSV file."),
    b"PK\x03\x04": _("This is an Excel workbook or a ZIP archive. Save the sheet as CSV and upload that."),
    b"\xd0\xcf\x11\xe0": _("This is an Excel workbook. Save the sheet as CSV and upload that."),
    b"\x1f\x8b": _("This file is compressed. Unpack it and upload the CSV file in it."),
}
"""By the first bytes of the file."""
NO_TEXT = _("This isn't a text file. Upload a CSV file.")
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LIKELY = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp932", "gb18030", "big5", "cp949",
    "mac_roman", "koi8_r",
]  # fmt: skip
ENCODINGS = ("utf-8", "utf-16", *LIKELY)
"""What people can choose where a guess is wrong."""
SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
"""A first line that tells Excel the delimiter."""


class TableRefused(Invalid):
    """A file that can't be read as a table. The message says why, and where."""


@dataclass(frozen=True, slots=True)
class TableRow:
    line: int
    """Where it begins in the file; the first line is 1."""
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    """The header, as it is written; empty names where the file has no header."""
    has_header: bool
    rows: Iterator[TableRow]
    """Those that aren't blank. Raises TableRefused at a row that can't be read."""


def read_table(file: BinaryIO, encoding: str = "") -> Table:
    """`encoding`: guessed if empty. The file must be seekable, and is read while the rows are.

    Raises TableRefused.
    """
    encoding = encoding_of(file, encoding)
    lines = _lines(file, encoding)
    first = next(lines, "")
    if said := SEPARATOR.fullmatch(first):
        delimiter = said[1]
        rows = _rows(lines, delimiter, 1)
    else:
        file.seek(0)
        delimiter = _delimiter(_text_of(file.read(HEAD), encoding))
        rows = _rows(_lines(file, encoding), delimiter, 0)
    header = next(rows, None)
    if header is None:
        raise TableRefused(_("The file is empty."))
    if len(header.cells) > MOST_COLUMNS:
        raise _too_wide()
    return _table(encoding, delimiter, header, rows)


def _table(encoding: str, delimiter: str, header: TableRow, rows: Iterator[TableRow]) -> Table:
    first = next(rows, None)
    has_header = not _is_data(header.cells)
    begin = [row for row in (None if has_header else header, first) if row]
    if not begin:
        raise TableRefused(_("The file has a header row but no data."))
    columns = [name.strip() for name in header.cells] if has_header else [""] * len(header.cells)
    while has_header and len(columns) > 1 and not columns[-1]:
        columns.pop()
    return Table(encoding, delimiter, tuple(columns), has_header, _counted([*begin], rows))


def _counted(begin: list[TableRow], rows: Iterator[TableRow]) -> Iterator[TableRow]:
    yield from begin
    for count, row in enumerate(rows, len(begin) + 1):
        if count > MOST_ROWS:
            raise TableRefused(TOO_MANY_ROWS, most=f"{MOST_ROWS:,}")
        yield row


def encoding_of(file: BinaryIO, wanted: str = "") -> str:
    """By its byte order mark, else UTF-8 if all of the file is, else a guess from the first 64 KiB or, if those are
    plain ASCII, from what follows. Raises TableRefused."""
    file.seek(0)
    head = file.read(HEAD)
    if not head.strip(b"\0 \t\r\n"):
        raise TableRefused(_("The file is empty."))
    if words := next((words for magic, words in NOT_TEXT.items() if head.startswith(magic)), None):
        raise TableRefused(words)
    marked = next((name for mark, name in BOMS if head.startswith(mark)), None) or _wide(head)
    encoding = wanted or marked or "utf-8"
    wrong = _undecodable(file, encoding)
    if wrong is None and (marked or not _is_binary(head)):
        return encoding
    if wanted or marked:
        raise TableRefused(_("The file isn't encoded in %(encoding)s."), encoding=encoding)
    guess = _guess(_around(file, wrong or 0) if head.isascii() else head)
    if guess is None or _undecodable(file, guess) is not None:
        raise TableRefused(NO_TEXT)
    return guess


def _wide(head: bytes) -> str | None:
    """UTF-16 without a byte order mark: in most scripts, every other byte of it is zero or nearly so."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 5 < len(head):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _undecodable(file: BinaryIO, encoding: str) -> int | None:
    """About where the file stops being text of this encoding; None: nowhere."""
    file.seek(0)
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError:
        return 0
    for piece in iter(partial(file.read, PIECE), b""):
        try:
            decoder.decode(piece)
        except UnicodeError as error:
            start = error.start if isinstance(error, UnicodeDecodeError) else 0
            return file.tell() - len(piece) + start
    try:
        decoder.decode(b"", final=True)
    except UnicodeError:
        return file.tell()
    return None


def _around(file: BinaryIO, place: int) -> bytes:
    file.seek(max(place - HEAD // 2, 0))
    return file.read(HEAD)


def _guess(sample: bytes) -> str | None:
    if _is_binary(sample):
        return None
    found = from_bytes(sample, cp_isolation=LIKELY)
    best = found.best()
    if best is None:
        return None
    is_as_good = any(m.encoding == "cp1252" and (m.chaos, m.coherence) == (best.chaos, best.coherence) for m in found)
    return "cp1252" if is_as_good else best.encoding  # by far the most common of those that look alike


def _is_binary(sample: bytes) -> bool:
    """Whether it has more control characters than text has. A null byte is a fault of its row."""
    return sum(byte < 32 and byte not in b"\0\t\n\r\f" for byte in sample) * 50 > len(sample)


def _text_of(head: bytes, encoding: str) -> str:
    """Without a last character that is cut."""
    return codecs.getincrementaldecoder(encoding)("ignore").decode(head)


def _delimiter(sample: str) -> str:
    """Quoted text is left out: it says nothing about the delimiter, and the sniffer's search for it is quadratic in the
    number of quotes, a minute and a half for 64 KiB of them."""
    plain = re.sub(r'"[^"]*"', "x", sample).replace('"', "").replace("'", "")
    try:
        return csv.Sniffer().sniff(plain, delimiters=DELIMITERS).delimiter
    except csv.Error:
        header = plain.lstrip().partition("\n")[0]
        return max(DELIMITERS, key=header.count)


def _lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Ends of lines are kept as they are. No more than one line is in memory."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding, newline="")
    number = 0
    try:
        while line := text.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise _too_long(number)
            yield line
    finally:
        with suppress(ValueError):  # the file was closed meanwhile
            text.detach()


def _rows(lines: Iterator[str], delimiter: str, before: int) -> Iterator[TableRow]:
    """`before`: lines that were read already."""
    record = _Record(lines)
    reader = csv.reader(record, delimiter=delimiter, doublequote=True, strict=False)
    while True:
        record.size, line = 0, before + reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _too_long(line) if "limit" in str(error) else TableRefused(NO_TEXT) from error
        if cells is None:
            return
        if len(cells) > 2 * MOST_COLUMNS:
            raise _too_wide()
        if any(cell.strip() for cell in cells):
            yield TableRow(line, cells)


class _Record:
    """The lines of one row after the other, up to a size: quoted line breaks could make one row of the whole file."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self.size = lines, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.size += len(line)
        if self.size > LONGEST_LINE:
            raise csv.Error("row larger than the limit")
        return line


def _too_wide() -> TableRefused:
    return TableRefused(_("The file has more than %(most)s columns."), most=str(MOST_COLUMNS))


def _too_long(line: int) -> TableRefused:
    return TableRefused(
        _("Line %(line)s is too long. Check whether a closing quote is missing there."), line=f"{line:,}"
    )


def _is_data(cells: Sequence[str]) -> bool:
    """Whether a first row is no header: it has an email address or a phone number in it."""
    return any(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+|\+?[\d\s().-]{7,20}", cell.strip()) for cell in cells)
