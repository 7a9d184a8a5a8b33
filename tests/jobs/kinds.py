"""Kinds of jobs for the tests: one that only counts, and one that records consent, as bulk work does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from bot.consent.ledger import Ledger
from bot.errors import Invalid
from bot.jobs.kind import Batch, ItemResult, JobKind
from bot.model.base import Value
from bot.store import Store
from bot.workspace.access import Scope
from tests.people import change


class CountInput(Value):
    most: int
    seconds: float = 0.0
    """How long an item takes."""


class Place(Value):
    at: int = 0


class Count(JobKind[CountInput, Place]):
    """Counts to a number, an item at a time. `fault(i)` may raise."""

    name = "count"
    title = "Count"
    scope = Scope.MANAGE_WORKSPACE
    outcomes: ClassVar = {"even": "Even", "odd": "Odd"}
    input, checkpoint = CountInput, Place
    most = 7

    def __init__(self, fault: Callable[[int], None] = lambda i: None) -> None:
        self.fault = fault
        self.seen: list[int] = []

    async def total(self, input: CountInput) -> int:
        return input.most

    async def step(self, job: str, input: CountInput, at: Place, limit: int) -> Batch[Place]:
        items = range(at.at, min(at.at + limit, input.most))
        for i in items:
            self.fault(i)
            self.seen.append(i)
            await asyncio.sleep(input.seconds)
        results = [ItemResult(f"{i:06d}", "odd" if i % 2 else "even", str(i)) for i in items]
        return Batch(Place(at=items.stop), len(items), results, is_last=items.stop == input.most)


class CountAlone(Count):
    name = "count_alone"
    is_exclusive = True


class OptIn(JobKind[CountInput, Place]):
    """Opts in the contacts `c000000`, `c000001`, …"""

    name = "opt_in"
    title = "Opt in"
    scope = Scope.BULK_CONTACTS
    outcomes: ClassVar = {"changed": "Changed"}
    input, checkpoint = CountInput, Place
    most = 5

    def __init__(self, store: Store) -> None:
        self._ledger = Ledger(store)

    async def total(self, input: CountInput) -> int:
        return input.most

    async def step(self, job: str, input: CountInput, at: Place, limit: int) -> Batch[Place]:
        contacts = [f"c{i:06d}" for i in range(at.at, min(at.at + limit, input.most))]
        if not contacts:
            raise Invalid("Nobody is left.")
        await self._ledger.record_many([change(c, f"{job}:{c}") for c in contacts])
        end = at.at + len(contacts)
        return Batch(Place(at=end), len(contacts), [ItemResult(c, "changed") for c in contacts], end == input.most)
