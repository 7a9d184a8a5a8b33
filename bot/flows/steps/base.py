"""What a step is: a document that people write, and what it does when a run enters it or continues from it.

A new kind of step is one file here and one line in `bot/flows/steps/__init__.py`. Everything here is pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from bot.model.base import Value
from bot.model.conversation import Card, Text
from bot.model.flow import Wait

StepId = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]


@dataclass(frozen=True, slots=True)
class Write:
    """Effect: one entry in the conversation."""

    content: Text | Card


Effect = Write
"""What a transition asks for. A run that has only asked for entries can be drawn before it is stored."""


@dataclass(frozen=True, slots=True)
class Started:
    """The run begins."""

    at: datetime


@dataclass(frozen=True, slots=True)
class CardCompleted:
    """The card that the waiting step inserted is completed, and its consent counts."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """The contact wrote a message."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class TimeCame:
    """The time that the waiting step named has come."""

    at: datetime


Event = Started | CardCompleted | Answered | TimeCame
"""What a run reacts to."""
WAIT_OF: dict[type[Event], Wait] = {CardCompleted: Wait.PART, Answered: Wait.ANSWER, TimeCame: Wait.TIME}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step does. Without `waits` and `ends` the run continues with the next step."""

    effects: tuple[Effect, ...] = ()
    waits: tuple[Wait, ...] = ()
    until: datetime | None = None
    ends: bool = False


class StepBase(Value):
    """A step as people write it: unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid")

    waits_for: ClassVar[tuple[Wait, ...]] = ()
    id: StepId

    def enter(self, event: Event) -> Outcome:
        """What happens when a run reaches this step, in the transition that `event` caused."""
        raise NotImplementedError

    def resume(self, event: Event) -> Outcome | None:
        """What happens when `event` comes while a run waits here. None: the run keeps waiting."""
        return Outcome() if WAIT_OF.get(type(event)) in self.waits_for else None
