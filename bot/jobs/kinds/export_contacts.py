"""Writes contacts to a file that can be downloaded for a week."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from bot.contacts.export import ContactExport, ExportColumns, ExportFormat
from bot.contacts.selected import SelectedContacts
from bot.errors import Invalid
from bot.errors import marked as _
from bot.jobs.kind import Batch, JobKind
from bot.jobs.kinds.bulk import BulkInput
from bot.model.base import Value, now
from bot.model.export import ExportLine, ExportPiece
from bot.model.job import Job, JobState
from bot.store import Store
from bot.store.export_pieces import KEPT_DAYS
from bot.workspace.access import Scope


class ExportInput(BulkInput):
    format: ExportFormat
    columns: ExportColumns


class ExportPlace(Value):
    after: str = ""
    pieces: int = 0


class ExportContacts(JobKind[ExportInput, ExportPlace]):
    """Has no results per contact: the file is the result."""

    name = "export"
    title = _("Export contacts")
    scope = Scope.BULK_CONTACTS
    input, checkpoint = ExportInput, ExportPlace
    most: ClassVar = 250

    def __init__(self, store: Store, selected: SelectedContacts) -> None:
        self._pieces = store.export_pieces
        self._selected = selected
        self._export = ContactExport(store, selected)

    async def total(self, input: ExportInput) -> int:
        return input.size

    def file(self, job: Job) -> str:
        return f"/contacts/exports/{job.id}.{job.input['format']}" if job.state is JobState.DONE else ""

    async def step(self, job: str, input: ExportInput, at: ExportPlace, limit: int) -> Batch[ExportPlace]:
        id = ExportPiece.id_of(job, at.pieces)
        piece = await self._pieces.get(id) or await self._written(await self._piece(id, input, at, limit))
        place = ExportPlace(after=piece.last or at.after, pieces=at.pieces + 1)
        if piece.last is None:
            await self._end(job, place.pieces)
        return Batch(place, piece.read, is_last=piece.last is None)

    async def _end(self, job: str, pieces: int) -> None:
        """Gives all pieces one expiry. Raises Invalid if the job was paused until the first ones expired."""
        if await self._pieces.keep_until(job, now() + timedelta(days=KEPT_DAYS)) < pieces:
            raise Invalid(_("The file has expired. Export the contacts again."))

    async def _written(self, piece: ExportPiece) -> ExportPiece:
        """Stores the piece without people who were erased after they were read: erasing couldn't find them in the file
        yet."""
        stored = await self._pieces.keep_first(piece)
        ids = [line.contact for line in stored.lines]
        there = {contact.id for contact in await self._selected.living(ids)}
        if gone := {*ids} - there:
            await self._pieces.take_out(gone)
        return stored

    async def _piece(self, id: str, input: ExportInput, at: ExportPlace, limit: int) -> ExportPiece:
        layout = await self._export.layout(input.columns)
        batch = await self._selected.batch(input.selection, at.after, limit, input.ordered_at)
        return ExportPiece(
            id=id,
            head=layout.head(input.format) if at.pieces == 0 else b"",
            lines=[ExportLine(contact=c.id, data=layout.lines(input.format, [c])) for c in batch.contacts],
            read=batch.read,
            last=batch.last,
            expires_at=input.ordered_at + timedelta(days=KEPT_DAYS),
        )
