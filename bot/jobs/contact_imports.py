"""Imports of contacts from the upload to the undo: what pages and the command line call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import BinaryIO

from bot.contacts.imports.files import KEPT, ImportFiles
from bot.contacts.imports.rows import said_faults
from bot.errors import Conflict
from bot.i18n import Translator
from bot.jobs.kinds.import_contacts import CheckImport, ImportContacts, ImportInput, item_of
from bot.jobs.kinds.undo_import import UndoImport, UndoInput, undo_id
from bot.jobs.rules import ENDED
from bot.jobs.service import CLOCKS, JobService
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.contact_import import ContactImport, ImportPlan
from bot.model.job import Job
from bot.model.teammate import By
from bot.store import Store
from bot.workspace.audit import AuditLog


class ContactImports:
    """A file is imported once: its job has the file's id, so a second click starts no second one."""

    def __init__(self, store: Store, jobs: JobService) -> None:
        self._store, self._jobs = store, jobs
        self._audit = AuditLog(store)
        self.files = ImportFiles(store)

    async def upload(self, file: BinaryIO, name: str, size: int, by: By, *, encoding: str = "") -> ContactImport:
        """Raises TableRefused."""
        found = await self.files.add(file, name, size, by, encoding=encoding)
        await self._audit.record(by, AuditAction.CONTACTS_UPLOADED, found.file)
        return found

    async def check(self, id: str, plan: ImportPlan, by: By) -> ContactImport:
        """Keeps the plan and starts the dry run. Raises FormWrong, NotFound, and Conflict once it is imported."""
        file = await self.files.save(id, plan)
        job = await self._jobs.start(CheckImport, ImportInput(file=id, rows=file.rows, plan=plan), by)
        return await self.files.change(id, {"check": job.id})

    async def start(self, id: str, by: By) -> Job:
        """Imports the file as it was checked. Raises NotFound, and Conflict if it was not."""
        file = await self.files.get(id)
        if file.plan is None or file.check is None or not await self._has_ended(file.check):
            raise Conflict
        input = ImportInput(file=id, rows=file.rows, plan=file.plan)
        job = await self._jobs.start(ImportContacts, input, by, key=id)
        await self.files.change(id, {"job": id, "expires_at": now() + KEPT, "plan.note": ""})
        await self._audit.record(by, AuditAction.CONTACTS_IMPORTED, file.file, key=id)
        return job

    async def undo(self, id: str, by: By) -> Job:
        """Raises NotFound, and Conflict while it runs, while a worker still ends its last batch after it was canceled,
        or if it was never imported."""
        file = await self.files.get(id)
        if file.job is None:
            raise Conflict
        imported = await self._jobs.get(file.job)
        if imported.state not in ENDED or _is_held(imported):
            raise Conflict
        rows = imported.counts.get("created", 0) + imported.counts.get("updated", 0)
        job = await self._jobs.start(UndoImport, UndoInput(job=id, rows=rows, by=by.id), by, key=undo_id(id))
        await self.files.change(id, {"undo": job.id})
        await self._audit.record(by, AuditAction.IMPORT_UNDONE, file.file, key=id)
        return job

    async def failed_rows(self, file: ContactImport, say: Translator) -> AsyncIterator[list[list[str]]]:
        """The failed rows as uploaded, each with its line and the error."""
        job = file.job or file.check or ""
        async for piece in self.files.pieces(file):
            items = await self._store.job_items.get_many(f"{job}:{item_of(line)}" for line in piece.lines)
            why = {int(item.item): said_faults(item.detail, say) for item in items.values()}
            rows = zip(piece.lines, piece.rows, strict=True)
            yield [[*row, str(line), why[line]] for line, row in rows if row and line in why]

    async def _has_ended(self, job: str) -> bool:
        return (await self._jobs.get(job)).state in ENDED


def _is_held(job: Job) -> bool:
    return job.holder is not None and job.due > now() - CLOCKS
