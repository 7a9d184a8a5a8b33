"""Creates, changes or deletes the contacts of one request to the API, one after the other."""

from __future__ import annotations

from typing import ClassVar

from bot.contacts.program_batch import EDITS, BatchAction, BatchOrder, BatchOutcome, ProgramBatches
from bot.errors import marked as _
from bot.jobs.kind import Batch, ItemResult, JobKind
from bot.model.base import Value
from bot.model.event import Actor
from bot.model.teammate import By
from bot.store import Store
from bot.workspace.access import Scope


class ContactBatchInput(Value):
    action: BatchAction
    edits: str
    """JSON of `BatchEdit`s. It names people, so it goes once the job is over."""
    size: int
    actor: Actor
    by: str
    by_name: str
    token: str = ""


class ContactBatchPlace(Value):
    next: int = 0


class EditContacts(JobKind[ContactBatchInput, ContactBatchPlace]):
    name = "edit_contacts"
    title = _("Change contacts by API")
    scope = Scope.BULK_CONTACTS
    input = ContactBatchInput
    checkpoint = ContactBatchPlace
    most: ClassVar = 20
    outcomes: ClassVar = {
        BatchOutcome.CREATED: _("Created"),
        BatchOutcome.UPDATED: _("Updated"),
        BatchOutcome.DELETED: _("Deleted"),
        BatchOutcome.REJECTED: _("Rejected"),
    }

    def __init__(self, store: Store, batches: ProgramBatches) -> None:
        self._store, self._batches = store, batches

    async def total(self, input: ContactBatchInput) -> int:
        return input.size

    async def step(
        self, job: str, input: ContactBatchInput, at: ContactBatchPlace, limit: int
    ) -> Batch[ContactBatchPlace]:
        workspace = await self._store.workspaces.get("workspace")
        assert workspace is not None  # noqa: S101 (there is one once the database is set up)
        by = By(input.by, input.by_name, token=input.token)
        order = BatchOrder(action=input.action, actor=input.actor, by=by, workspace=workspace)
        edits = EDITS.validate_json(input.edits)
        results = []
        for number in range(at.next, min(at.next + limit, len(edits))):
            done = await self._batches.carry_out(edits[number], order, f"{job}:{number}")
            results.append(ItemResult(f"{number:04}", done.outcome, done.detail))
        place = ContactBatchPlace(next=at.next + len(results))
        return Batch(place, len(results), results, is_last=place.next >= len(edits))
