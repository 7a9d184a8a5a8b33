"""A bot's flow, its published versions, and one conversation's run of a version."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from bot.model.base import Document, Value


class Flow(Document):
    """A flow's name and state. Its steps are in its versions."""

    name: str
    version: int = 1
    """The published version: new runs begin with it."""
    state: Literal["draft", "live", "paused"] = "draft"
    trigger: Literal["conversation_started"] = "conversation_started"
    created_at: datetime
    updated_at: datetime


class FlowVersion(Document):
    """The steps of one version, as they were written: inserted once, never changed. `_id` is `<flow>:<version>`.

    `bot.flows.script` reads the steps.
    """

    flow: str
    version: int
    steps: tuple[dict[str, Any], ...] = Field(min_length=1, max_length=200)
    created_at: datetime


def version_id(flow: str, version: int) -> str:
    return f"{flow}:{version:06d}"


class RunStatus(StrEnum):
    RUNNING = "running"
    """Before the first step."""
    WAITING = "waiting"
    ENDED = "ended"


class Wait(StrEnum):
    """What a waiting step waits for."""

    PART = "part"
    """The card that the step inserted is completed."""
    ANSWER = "answer"
    """The contact writes a message."""
    TIME = "time"
    """A time is reached."""
    CONSENT = "consent"
    """The contact's consent changes, through any source."""


LONGEST_ANSWER = 1000
"""Characters of an answer that a run keeps."""


class State(Value):
    """Where a run is. `step` names the step that waits."""

    status: RunStatus = RunStatus.RUNNING
    step: str = ""
    waits: tuple[Wait, ...] = ()
    until: datetime | None = None
    """When a step that waits for a time continues."""
    answers: dict[str, str] = Field(default_factory=dict)
    """What the contact answered, by the id of the step that asked."""


class Run(Value):
    """One conversation's position in a flow version, kept inside the conversation.

    `revision` counts the transitions. The key of an entry that a transition writes is made of the run, its revision and
    the entry's place, so that each entry is written once.
    """

    id: str
    flow: str
    version: int
    revision: int = 0
    state: State = State()
    part: int = 0
    """Sequence of the newest entry that the run wrote."""
    consent_seq: int = 0
    """Sequence of the contact's newest consent event when a step began to wait for one: only later ones continue it."""

    def key(self, place: int, revision: int | None = None) -> str:
        """Idempotency key of the entry at `place` of the transition that leaves `revision`, by default this one."""
        return f"run:{self.id}:{self.revision if revision is None else revision}:{place}"
