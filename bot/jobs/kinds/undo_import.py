"""Takes a whole import back."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from bot.contacts.imports.undo import ImportUndo
from bot.errors import marked as _
from bot.jobs.kind import Batch, JobKind
from bot.model.base import Value
from bot.model.event import Actor
from bot.store import Store
from bot.workspace.access import Scope


class UndoInput(Value):
    job: str
    """The import."""
    rows: int
    by: str
    """The teammate's id."""


class UndoPlace(Value):
    before: str = ""
    """The last change that is taken back: the newest come first."""


class UndoImport(JobKind[UndoInput, UndoPlace]):
    name, title, scope = "undo_import", _("Import undo"), Scope.BULK_CONTACTS
    outcomes: ClassVar = {
        "restored": _("Rows undone"),
        "retracted": _("Consents retracted"),
        "kept": _("Contacts kept (used since the import)"),
        "gone": _("Contact no longer exists"),
    }
    input, checkpoint = UndoInput, UndoPlace
    most = 500

    def __init__(self, store: Store, undo: ImportUndo) -> None:
        self._store, self._undo = store, undo

    async def total(self, input: UndoInput) -> int:
        return input.rows

    async def step(self, job: str, input: UndoInput, at: UndoPlace, limit: int) -> Batch[UndoPlace]:
        rows = await self._store.import_changes.before(input.job, at.before, limit=limit)
        if not rows:
            return Batch(at, 0, is_last=True)
        actor = Actor(kind="teammate", id=input.by) if input.by else Actor(kind="api", id="command-line")
        counts = await self._undo.take_back(rows, actor)
        return Batch(UndoPlace(before=rows[-1].id), len(rows), counts=counts)


def undo_id(file: str) -> str:
    """The id of the job that takes the import of this file back."""
    return hashlib.sha256(f"undo:{file}".encode()).hexdigest()[:24]
