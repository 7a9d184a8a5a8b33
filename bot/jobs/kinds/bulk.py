"""The base of jobs over selected contacts: each contact is visited once, and has a result."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar, TypeVar

from pydantic import Field

from bot.contacts.bulk_rules import BulkOutcome
from bot.contacts.selected import BulkPreview, SelectedContacts
from bot.errors import marked as _
from bot.jobs.kind import Batch, ItemResult, JobKind
from bot.model.base import Value
from bot.model.contact import Contact
from bot.model.selection import Selection
from bot.workspace.access import Scope


class BulkInput(Value):
    selection: Selection
    size: int
    """The number of contacts when the job was ordered; an estimate for large numbers."""
    ordered_at: datetime


class BulkPlace(Value):
    after: str = ""
    """The last contact that was read, by id."""
    plan: dict[str, str] = Field(default_factory=dict)
    """What the next batch does, by contact (`PlannedBulkJob`)."""
    is_end: bool = False


I = TypeVar("I", bound=BulkInput)  # noqa: E741 (input)


class BulkJob(JobKind[I, BulkPlace]):
    scope = Scope.BULK_CONTACTS
    item_path: ClassVar = "/contacts/{}"
    checkpoint = BulkPlace

    def __init__(self, selected: SelectedContacts) -> None:
        self._selected = selected

    async def total(self, input: I) -> int:
        return input.size

    async def preview(self, input: I) -> BulkPreview:
        return await self._selected.preview(input.selection, partial(self.judge, input))

    @abstractmethod
    async def judge(self, input: I, contacts: Sequence[Contact]) -> Mapping[str, BulkOutcome]:
        """What would become of each now, by id. Changes nothing."""


class PlannedBulkJob(BulkJob[I]):
    """Stores the plan of a batch before executing it. Repeated after a crash, a batch has the same contacts and
    results, even if its changes removed contacts from the filter."""

    async def step(self, job: str, input: I, at: BulkPlace, limit: int) -> Batch[BulkPlace]:
        if not at.plan:
            return await self._planned(input, at, limit)
        planned = [id for id, outcome in at.plan.items() if outcome == BulkOutcome.CHANGED]
        outcomes = {**at.plan, **await self.carry_out(job, input, planned)}
        results = [ItemResult(id, outcome) for id, outcome in outcomes.items()]
        return Batch(BulkPlace(after=at.after), len(results), results, is_last=at.is_end)

    async def _planned(self, input: I, at: BulkPlace, limit: int) -> Batch[BulkPlace]:
        batch = await self._selected.batch(input.selection, at.after, limit, input.ordered_at)
        plan = {**await self.plan(input, batch.contacts), **dict.fromkeys(batch.gone, BulkOutcome.GONE)}
        place = BulkPlace(after=batch.last or at.after, plan=plan, is_end=batch.last is None)
        return Batch(place, batch.read - len(plan), is_last=place.is_end and not plan)

    async def plan(self, input: I, contacts: Sequence[Contact]) -> Mapping[str, BulkOutcome]:
        """What to do with each, by id."""
        return await self.judge(input, contacts)

    @abstractmethod
    async def carry_out(self, job: str, input: I, ids: Sequence[str]) -> Mapping[str, BulkOutcome]:
        """Changes these contacts. Idempotent. Returns the results that differ from the plan, by id."""


GONE = _("Contact no longer exists")
