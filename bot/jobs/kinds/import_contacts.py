"""Checks the rows of an uploaded file, and imports them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from bot.contacts.imports.files import ROWS_KEPT
from bot.contacts.imports.importer import BatchResult, Importer
from bot.contacts.imports.rows import WantedRow, said_faults, stored_faults
from bot.errors import Invalid
from bot.errors import marked as _
from bot.i18n import Translator
from bot.jobs.kind import Batch, ItemResult, JobKind
from bot.jobs.kinds.undo_import import undo_id
from bot.model.base import Value, now
from bot.model.contact_import import ContactImport, ImportPiece, ImportPlan
from bot.model.job import Job
from bot.store import Store
from bot.workspace.access import Scope

EXPIRED = _("The file has expired. Upload it again.")
READ_AHEAD = 8
"""Pieces whose rows are in memory."""


class ImportInput(Value):
    file: str
    rows: int
    plan: ImportPlan


class ImportPlace(Value):
    piece: int = 0
    row: int = 0


class FileJob(JobKind[ImportInput, ImportPlace]):
    """Rows that fail, and consents that are refused, have results; the others are counted."""

    scope = Scope.BULK_CONTACTS
    outcomes: ClassVar = {
        "created": _("New contacts"),
        "updated": _("Changed contacts"),
        "same": _("Unchanged contacts"),
        "skipped": _("Skipped: not a contact yet"),
        "opted_in": _("Opt-ins"),
        "asked": _("Asked to confirm"),
        "opted_out": _("Opt-outs"),
        "already": _("Consents already recorded"),
        "stopped": _("Numbers opted out of all texts"),
        "refused": _("Consents not imported"),
        "failed": _("Rows not imported"),
    }
    input, checkpoint = ImportInput, ImportPlace

    def __init__(self, store: Store, importer: Importer) -> None:
        self._store, self._importer = store, importer
        self._rows: dict[tuple[str, int], list[WantedRow]] = {}

    async def total(self, input: ImportInput) -> int:
        return input.rows

    def said(self, detail: str, say: Translator) -> str:
        return said_faults(detail, say)

    async def step(self, job: str, input: ImportInput, at: ImportPlace, limit: int) -> Batch[ImportPlace]:
        file = await self._store.contact_imports.get(input.file)
        if file is None:
            raise Invalid(EXPIRED)
        file = file.model_copy(update={"plan": input.plan})
        if at == ImportPlace():
            await self.begin(file)
        if at.row == 0 and at.piece > 0:
            await self.finish_piece(job, file, at.piece - 1)
        if at.piece == file.pieces:
            return Batch(at, 0, is_last=True)
        rows = await self._read(job, file, at.piece)
        some = rows[at.row : at.row + limit]
        left = await self._left(file, at.piece, some)
        result, _ahead = await asyncio.gather(self.work(job, file, left), self._read(job, file, at.piece + 1))
        end = at.row + len(some)
        next = ImportPlace(piece=at.piece, row=end) if end < len(rows) else ImportPlace(piece=at.piece + 1)
        return Batch(next, len(some), _items(result), counts=result.counts)

    async def _left(self, file: ContactImport, seq: int, rows: Sequence[WantedRow]) -> list[WantedRow]:
        """Without those about people who were erased, also since the rows were read."""
        erased = await self._store.import_pieces.erased_lines(ImportPiece.key(file.id, seq))
        return [row for row in rows if row.line not in erased]

    async def begin(self, file: ContactImport) -> None:
        """Called before the first row, and again after an interruption. Raises Invalid."""

    @abstractmethod
    async def work(self, job: str, file: ContactImport, rows: Sequence[WantedRow]) -> BatchResult: ...

    async def finish_piece(self, job: str, file: ContactImport, seq: int) -> None:
        """Called when its rows are done, and again after an interruption."""

    async def _read(self, job: str, file: ContactImport, seq: int) -> list[WantedRow]:
        """The next piece is read while the rows of this one are written: reading takes other cores."""
        if seq == file.pieces:
            return []
        if (job, seq) not in self._rows:
            piece = await self._store.import_pieces.get(ImportPiece.key(file.id, seq))
            if piece is None:
                raise Invalid(EXPIRED)
            while len(self._rows) >= READ_AHEAD:
                del self._rows[next(iter(self._rows))]
            self._rows[job, seq] = await self._importer.read(file, piece)
        return self._rows[job, seq]


class CheckImport(FileJob):
    """The dry run."""

    name, title = "check_import", _("File check")

    async def work(self, job: str, file: ContactImport, rows: Sequence[WantedRow]) -> BatchResult:
        return await self._importer.preview(job, file, rows)


class ImportContacts(FileJob):
    name, title = "import_contacts", _("Contact import")

    async def may_retry(self, job: Job) -> bool:
        """Not after the import was undone."""
        return await self._store.jobs.get(undo_id(job.id)) is None

    async def work(self, job: str, file: ContactImport, rows: Sequence[WantedRow]) -> BatchResult:
        return await self._importer.take(job, file, rows)

    async def begin(self, file: ContactImport) -> None:
        """From now on all rows are kept equally long: none expires while others still wait."""
        if await self._store.import_pieces.keep_until(file.id, now() + ROWS_KEPT) < file.pieces:
            raise Invalid(EXPIRED)

    async def finish_piece(self, job: str, file: ContactImport, seq: int) -> None:
        """Only rows that failed are kept, to be fixed."""
        piece = await self._store.import_pieces.get(ImportPiece.key(file.id, seq))
        if piece is None:
            return
        failed = await self._store.job_items.existing(f"{job}:{item_of(line)}" for line in piece.lines)
        done = [place for place, line in enumerate(piece.lines) if f"{job}:{item_of(line)}" not in failed]
        await self._store.import_pieces.empty(piece, done)


def item_of(line: int) -> str:
    """Results sort by line."""
    return f"{line:08d}"


def _items(result: BatchResult) -> list[ItemResult]:
    seen: dict[str, int] = {}
    items = []
    for problem in result.problems:
        item = item_of(problem.line)
        if problem.outcome != "failed":
            seen[item] = seen.get(item, 0) + 1
            item = f"{item}.{seen[item]}"
        items.append(ItemResult(item, problem.outcome, stored_faults(problem.faults)))
    return items
