"""Long work as a document, and the results of its items."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import reduce
from typing import Any

from pydantic import Field

from bot.model.base import Document, Value

WORDS = (("selection", "filter"), ("consent", "evidence", "note"), ("plan", "note"), ("edits",))
"""What of an input may name people: a filter, a note, contacts to store. The results name contacts by id."""


class JobState(StrEnum):
    QUEUED = "queued"
    """Waits for a worker, from `due` on."""
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


class JobError(Value):
    """Why the last attempt failed: a gettext id and its values."""

    text: str
    values: dict[str, str] = Field(default_factory=dict)


class Job(Document):
    """It contains its lease: `holder` works on it until `due` and renews that; later anyone may claim it."""

    kind: str
    input: dict[str, Any] = Field(default_factory=dict)
    state: JobState = JobState.QUEUED
    by: str
    """The teammate's id; empty for the command line."""
    by_name: str
    checkpoint: dict[str, Any] = Field(default_factory=dict)
    """Where the next batch continues, in the format of the kind."""
    total: int | None = None
    """An estimate of the work; None until the first batch, or if unknown."""
    done: int = 0
    counts: dict[str, int] = Field(default_factory=dict)
    """Results by outcome."""
    attempts: int = 0
    """Claims since its last progress."""
    error: JobError | None = None
    holder: str | None = None
    term: int = 0
    """Counts the claims: writes under an older term are refused."""
    due: datetime
    """Queued: when it may be claimed. Running: when its lease expires. By the database's clock."""
    keeps_words: bool | None = None
    """Whether its input still has any of `WORDS`. They go once it is over for good."""
    is_forgotten: bool | None = None
    """They have to go: it can't be retried."""
    only: str | None = None
    """Unique among jobs that have not ended."""
    group: str | None = None
    """The job that it was appended to."""
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime


def words_of(input: Mapping[str, Any]) -> list[str]:
    """The texts in an input that may name people."""
    found: list[Any] = [reduce(_part, path, input) for path in WORDS]
    return [text for text in found if text and isinstance(text, str)]


def _part(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


class JobItem(Document):
    """The result of one item, kept for 90 days. `_id` is `<job>:<item>`, so a repeated batch stores no second
    result."""

    job: str
    item: str
    outcome: str
    detail: str = ""
    at: datetime
