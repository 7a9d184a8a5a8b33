"""What a kind of job is: a step that is called again and again, each time with the checkpoint of the one before."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from bot.model.base import Value
from bot.workspace.access import Scope

I = TypeVar("I", bound=Value)  # noqa: E741 (input)
C = TypeVar("C", bound=Value)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item. `outcome` is one of the kind's `outcomes`."""

    item: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Batch(Generic[C]):
    checkpoint: C
    """Where the next step goes on."""
    done: int
    """How far the progress moves: items with a result, and those that need none."""
    results: Sequence[ItemResult] = ()
    is_last: bool = False


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
    """The outcomes that a result may have, each with its label (a gettext id)."""
    input: type[I]
    checkpoint: type[C]
    """Made without arguments for the first step."""
    most: ClassVar[int] = 1000
    """Items a batch at most."""
    is_exclusive: ClassVar[bool] = False
    """Whether starting it while one of its kind has not ended answers that one."""

    async def total(self, input: I) -> int | None:
        """About how much `done` will be at the end."""
        return None

    @abstractmethod
    async def step(self, job: str, input: I, at: C, limit: int) -> Batch[C]:
        """Does about `limit` items. An error is retried with back-off; a SaysoError other than StoreUnavailable says
        what is wrong with the job itself, and fails it at once.
        """
