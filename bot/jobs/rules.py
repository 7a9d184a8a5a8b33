"""Pure rules of jobs: state transitions, retries, batch size."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from bot.model.job import Job, JobState

ATTEMPTS = 8
"""Attempts without progress before a job fails: about three minutes with their pauses."""
LONGEST_PAUSE = 60.0
BATCH_SECONDS = 0.25
"""Target duration of a batch. Pause and cancel act between batches, so within a second."""
FIRST_LIMIT = 50


class JobAction(StrEnum):
    """What a person may ask of a job."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"


SOURCES = {
    JobAction.PAUSE: frozenset({JobState.QUEUED, JobState.RUNNING}),
    JobAction.RESUME: frozenset({JobState.PAUSED}),
    JobAction.CANCEL: frozenset({JobState.QUEUED, JobState.RUNNING, JobState.PAUSED}),
    JobAction.RETRY: frozenset({JobState.FAILED}),
}
TARGETS = {
    JobAction.PAUSE: JobState.PAUSED,
    JobAction.RESUME: JobState.QUEUED,
    JobAction.CANCEL: JobState.CANCELED,
    JobAction.RETRY: JobState.QUEUED,
}
RETRIED_FOR = timedelta(days=7)
"""How long a job that failed can be retried: its filter and its note may name people."""
ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELED})


def acts_on(state: JobState) -> list[JobAction]:
    return [act for act in JobAction if state in SOURCES[act]]


def acts_of(job: Job) -> list[JobAction]:
    """A job whose filter or note is gone can't be retried."""
    return [act for act in acts_on(job.state) if act is not JobAction.RETRY or not job.is_forgotten]


def retry_after(attempts: int) -> float | None:
    """Seconds until the next attempt, after this many without progress; None: it fails."""
    return None if attempts >= ATTEMPTS else min(2.0 ** max(attempts - 1, 0), LONGEST_PAUSE)


def next_limit(limit: int, seconds: float, most: int) -> int:
    """The size of the next batch, after one of `limit` items took this long."""
    factor = min(max(BATCH_SECONDS / max(seconds, 0.001), 0.25), 2.0)
    return min(max(round(limit * factor), 1), most)
