"""A kind of job: a step that is called repeatedly, each time with the previous checkpoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

from bot.i18n import Translator
from bot.model.base import Value
from bot.model.job import Job
from bot.workspace.access import Scope

I = TypeVar("I", bound=Value)  # noqa: E741 (input)
C = TypeVar("C", bound=Value)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The result of one item. `outcome` is one of the kind's `outcomes`."""

    item: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Batch(Generic[C]):
    checkpoint: C
    """Where the next step continues."""
    done: int
    """Items done in this batch, with or without a result."""
    results: Sequence[ItemResult] = ()
    is_last: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    """By outcome, items that have no result of their own."""
    again_after: float = 0
    """Seconds until the next step, if it has to wait for something. The job keeps no worker busy meanwhile."""


class JobKind(ABC, Generic[I, C]):
    """One file in `bot/jobs/kinds` and one line in its `__init__.py`.

    A crash between a step and the saving of its checkpoint repeats that step, so its effects must be idempotent by job
    and item: `f"{job}:{item}"` as the idempotency key, a document whose `_id` is made of both.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    """A gettext id."""
    scope: ClassVar[Scope]
    """Who may see and control its jobs."""
    outcomes: ClassVar[Mapping[str, str]] = {}
    """Possible outcomes and their labels (gettext ids)."""
    item_path: ClassVar[str] = ""
    """The page of an item, with `{}` for its id; empty: it has none."""
    input: type[I]
    checkpoint: type[C]
    """Its default starts the first step."""
    most: ClassVar[int] = 1000
    """Limit of items per batch."""
    is_exclusive: ClassVar[bool] = False
    """Starting it while another one of its kind is unfinished returns that one."""

    @property
    def can_run(self) -> bool:
        """Whether this process has what its steps need; others may have."""
        return True

    async def total(self, input: I) -> int | None:
        """An estimate of `done` at the end."""
        return None

    async def may_retry(self, job: Job) -> bool:
        """Whether the job may go on after it failed."""
        return True

    def file(self, job: Job) -> str:
        """The path of the file that the job has made; empty: there is none."""
        return ""

    def said(self, detail: str, say: Translator) -> str:
        """The detail of a result, for people."""
        return detail

    @abstractmethod
    async def step(self, job: str, input: I, at: C, limit: int) -> Batch[C]:
        """Processes about `limit` items.

        An error is retried with back-off; a SaysoError other than StoreUnavailable and FilterTooBroad (the database was
        too slow) fails the job at once.

        """
