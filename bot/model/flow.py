"""A bot's flow, its published versions, and one conversation's run of a version."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, model_validator

from bot.model.base import Document, Value


class Flow(Document):
    """A flow's name and state. What it does is in its versions."""

    name: str
    version: int = 1
    """The published version: new runs begin with it. 0: none yet."""
    state: Literal["draft", "live", "paused", "removed"] = "draft"
    """A draft has never been live. Only a draft can be removed: no conversation and no consent names it."""
    order: int = 0
    """Of several flows that match, the one with the lowest number starts; of equal ones, the oldest."""
    created_at: datetime
    updated_at: datetime


class FlowVersion(Document):
    """One version as it was written: inserted once, never changed. `_id` is `<flow>:<version>`.

    `bot.flows.script` reads the document.
    """

    flow: str
    version: int
    document: dict[str, Any]
    """See `bot.flows.document`."""
    created_at: datetime
    by: str = ""
    """The teammate who published it; empty: the command line, or it predates the history."""
    by_name: str = ""
    note: str = ""
    """Why, in the publisher's words."""
    restores: int | None = None
    """The earlier version that a rollback published again."""

    @model_validator(mode="before")
    @classmethod
    def _with_document(cls, raw: Any) -> Any:
        """Before flows had triggers, a version was a list of steps that greeted everyone."""
        if not isinstance(raw, dict) or "document" in raw or "steps" not in raw:
            return raw
        return {**raw, "document": {"triggers": [{"kind": "messenger_opened"}], "steps": raw["steps"]}}


class FlowDraft(Document):
    """What teammates edit until it is published. `_id` is the flow's."""

    text: str
    """The document as JSON. It may have faults, so nothing reads it as a flow before it is checked."""
    revision: int
    """Counts the saves, and the versions that came from elsewhere: a save that names an older revision is refused."""
    base: int
    """The published version that it continues; 0: none."""
    published: int = 0
    """The revision that was published last."""
    by: str = ""
    by_name: str = ""
    """Who saved it last."""
    saved_at: datetime

    @property
    def is_published(self) -> bool:
        return self.published == self.revision


def version_id(flow: str, version: int) -> str:
    return f"{flow}:{version:06d}"


class RunStatus(StrEnum):
    RUNNING = "running"
    """Before the first step."""
    WAITING = "waiting"
    ENDED = "ended"
    FAILED = "failed"
    """Stopped because it ran away: see `State.error`."""


class Wait(StrEnum):
    """What a waiting step waits for."""

    PART = "part"
    """The card that the step inserted is answered."""
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
    locale: str | None = None
    """The language of the run's texts; None: the flow has only one."""
    by_text: bool | None = None
    """It talks by SMS."""
    tries: int | None = None
    """Answers that the waiting step could not use."""
    turns: int | None = None
    """Transitions since the contact did something: a run-away flow is stopped."""
    error: str | None = None
    """Why it was stopped."""


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
    todo: tuple[dict[str, Any], ...] | None = None
    """Effects of the newest transition that are still to be carried out, see `bot.flows.effects`."""
    due_at: datetime | None = None
    """When any process continues a run that a crash left: with effects to carry out, or before its first step."""
    hops: int | None = None
    """Flows that started each other before this run."""
    is_answered: bool | None = None
    """The contact did something in it."""

    @property
    def is_over(self) -> bool:
        return self.due_at is None and self.state.status in {RunStatus.ENDED, RunStatus.FAILED}

    def key(self, place: int, revision: int | None = None) -> str:
        """Idempotency key of the entry at `place` of the transition that leaves `revision`, by default this one."""
        return f"run:{self.id}:{self.revision if revision is None else revision}:{place}"
