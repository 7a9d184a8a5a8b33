"""Checks the whole ledger, as `sayso verify` does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from bot.consent.checkpoints import CheckpointKeys
from bot.consent.verify import Position, Report, expected, walk
from bot.errors import marked as _
from bot.jobs.kind import Batch, ItemResult, JobKind
from bot.model.base import Value
from bot.store import Store
from bot.workspace.access import Scope


class VerifyInput(Value):
    repair: bool = False


class Verify(JobKind[VerifyInput, Position]):
    """Only problems have a result; their item is the contact, or the subscription and state of a count."""

    name = "verify"
    title = _("Ledger check")
    scope = Scope.MANAGE_WORKSPACE
    outcomes: ClassVar = {
        "broken": _("Broken chain"),
        "damaged": _("Damaged checkpoint"),
        "stale": _("Differs from the ledger"),
        "repaired": _("Rebuilt from the ledger"),
        "miscounted": _("Wrong count"),
        "recounted": _("Count corrected"),
    }
    input, checkpoint = VerifyInput, Position
    is_exclusive = True

    def __init__(self, store: Store, keys: CheckpointKeys | None = None) -> None:
        self._store = store
        self._keys = keys or CheckpointKeys(store)

    async def total(self, input: VerifyInput) -> int:
        return await expected(self._store)

    async def step(self, job: str, input: VerifyInput, at: Position, limit: int) -> Batch[Position]:
        report, next = await walk(self._store, at, limit=limit, repair=input.repair, keys=self._keys)
        return Batch(next or at, report.read, [*_results(report)], is_last=next is None)


def _results(report: Report) -> Iterator[ItemResult]:
    for where, fault in report.damaged.items():
        yield ItemResult(where, "damaged", fault)
    for contact, fault in report.broken.items():
        yield ItemResult(contact, "broken", fault)
    for contact in report.stale:
        yield ItemResult(contact, "repaired" if contact in report.repaired else "stale")
    for (subscription, state), by in report.miscounted.items():
        yield ItemResult(f"{subscription}:{state}", "recounted" if report.is_repair else "miscounted", f"{by:+d}")
