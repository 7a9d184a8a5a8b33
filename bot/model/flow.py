"""A bot's script, kept as data, and one conversation's place in it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from bot.model.base import Document, Value
from bot.model.conversation import Card, Text

StepId = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]


class Authored(Value):
    """What people write by hand: a field that is none is a mistake."""

    model_config = ConfigDict(extra="forbid")


class Say(Authored):
    kind: Literal["say"] = "say"
    id: StepId
    text: str = Field(min_length=1, max_length=4000)


class OptInForm(Authored):
    """Inserts the card and waits until it is completed."""

    kind: Literal["opt_in_form"] = "opt_in_form"
    id: StepId
    subscription: str
    title: str = Field(min_length=1, max_length=200)
    button: str = Field(default="", max_length=60)
    legal_text: str = Field(default="", max_length=2000)


class End(Authored):
    kind: Literal["end"] = "end"
    id: StepId


Step = Annotated[Say | OptInForm | End, Field(discriminator="kind")]


class Flow(Document):
    """Steps are taken in order. `version` grows with each edit; a run ends on the version that it began."""

    name: str
    version: int = 1
    state: Literal["draft", "live", "paused"] = "draft"
    trigger: Literal["conversation_started"] = "conversation_started"
    steps: tuple[Step, ...] = Field(min_length=1, max_length=200)
    created_at: datetime
    updated_at: datetime

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [step.id for step in self.steps]
        if len(ids) != len(set(ids)):
            raise ValueError("each step needs an id of its own")
        return self


class RunStatus(StrEnum):
    RUNNING = "running"
    """Only before the first step."""
    WAITING = "waiting"
    ENDED = "ended"


class Effect(Value):
    """One entry that the run puts into its conversation, once."""

    content: Annotated[Text | Card, Field(discriminator="kind")]


class Place(Value):
    """Where a run stands: the index of the step that comes next, and whether it waits before it."""

    step: int = 0
    status: RunStatus = RunStatus.RUNNING


class FlowRun(Document):
    """`revision` counts its transitions; an effect's key is made of run, revision and place, so it happens once."""

    flow: str
    flow_version: int
    steps: tuple[Step, ...]
    conversation: str
    contact: str
    place: Place = Place()
    revision: int = 0
    waiting_for: str | None = None
    """The part that it waits for."""
    created_at: datetime
    updated_at: datetime

    def key(self, place: int) -> str:
        """Idempotency key of the effect at `place` of the transition that leaves this revision."""
        return f"run:{self.id}:{self.revision}:{place}"
