"""A step: a document that people write, and its behavior when a run enters or resumes it.

A new kind of step is one file here and one line in `bot/flows/steps/__init__.py`. Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from bot.consent.placeholders import fill_variables
from bot.model.base import Value
from bot.model.contact import ConsentState
from bot.model.conversation import LONGEST_TEXT, Card, Text
from bot.model.flow import Wait

StepId = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
Answers = Mapping[str, str]
"""What the contact answered so far in this run, by the id of the step that asked."""


@dataclass(frozen=True, slots=True)
class Write:
    """Effect: one entry in the conversation."""

    content: Text | Card

    def asked_by(self, flow: str, version: int) -> Write:
        """A card names its flow, which becomes part of the evidence of an answer."""
        if not isinstance(self.content, Card):
            return self
        return replace(self, content=self.content.model_copy(update={"flow": flow, "flow_version": version}))


Effect = Write
"""What a transition asks for. A run that only wrote entries can be shown before it is stored."""


def say(text: str, answers: Answers) -> tuple[Effect, ...]:
    """A message. `{{step}}` becomes the answer to that step, or the fallback of `{{step|fallback}}`.

    A text that is empty afterwards is not written.
    """
    filled = fill_variables(text, answers).strip()
    return (Write(Text(text=filled[:LONGEST_TEXT])),) if filled else ()


@dataclass(frozen=True, slots=True)
class Started:
    """The run begins."""

    at: datetime


@dataclass(frozen=True, slots=True)
class CardCompleted:
    """The waiting step's card is completed and its consent counts."""

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


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    """The contact's consent to a subscription changed, through any source."""

    at: datetime
    subscription: str
    state: ConsentState


Event = Started | CardCompleted | Answered | TimeCame | ConsentChanged
"""What a run reacts to."""
WAIT_OF: dict[type[Event], Wait] = {
    CardCompleted: Wait.PART,
    Answered: Wait.ANSWER,
    TimeCame: Wait.TIME,
    ConsentChanged: Wait.CONSENT,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a step. Without `waits` and `ends` the run continues with the next one."""

    effects: tuple[Effect, ...] = ()
    waits: tuple[Wait, ...] = ()
    until: datetime | None = None
    ends: bool = False
    answer: str | None = None
    """Kept under the step's id, for the texts of later steps."""


class StepBase(Value):
    """A step as people write it: unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid")

    waits_for: ClassVar[tuple[Wait, ...]] = ()
    id: StepId

    def enter(self, event: Event, answers: Answers) -> Outcome:
        """Called when a run reaches this step, in the transition that `event` caused."""
        raise NotImplementedError

    def resume(self, event: Event, answers: Answers) -> Outcome | None:
        """Called when `event` comes while a run waits here. None: the run keeps waiting."""
        return Outcome() if WAIT_OF.get(type(event)) in self.waits_for else None
