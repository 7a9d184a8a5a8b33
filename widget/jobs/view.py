"""The progress of a job, live in any page:

    job=job_view(job, kind, say)          # in the handler
    {% include "jobs/_progress.html" %}   # in the template, whose head includes "jobs/_head.html"

It polls for its bar, less often the longer it lasts, until the job has ended. Only a change of state renders the whole
component again, so that a button is not replaced while it is pressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.errors import marked as _
from bot.i18n import Translator
from bot.jobs.kind import JobKind
from bot.jobs.rules import ENDED, JobAction, acts_of
from bot.model.base import now
from bot.model.job import Job, JobState

STATES = {
    JobState.QUEUED: (_("Queued"), "plain"),
    JobState.RUNNING: (_("Running"), "brand"),
    JobState.PAUSED: (_("Paused"), "warn"),
    JobState.DONE: (_("Done"), "good"),
    JobState.FAILED: (_("Failed"), "bad"),
    JobState.CANCELED: (_("Canceled"), "plain"),
}
ACTS = {
    JobAction.PAUSE: (_("Pause"), "plain"),
    JobAction.RESUME: (_("Resume"), "brand"),
    JobAction.CANCEL: (_("Cancel"), "quiet"),
    JobAction.RETRY: (_("Retry"), "brand"),
}
FASTEST, SLOWEST = 500, 5000
"""Limits of the polling interval in milliseconds."""


@dataclass(frozen=True, slots=True)
class ActView:
    act: JobAction
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class Count:
    outcome: str
    label: str
    number: str


@dataclass(frozen=True, slots=True)
class JobView:
    id: str
    title: str
    state: JobState
    state_label: str
    state_kind: str
    progress: str
    done: int
    total: int | None
    counts: tuple[Count, ...]
    error: str
    acts: tuple[ActView, ...]
    file: str
    """The path of the file that it made, if any."""
    delay: int | None
    """Milliseconds until the next poll; None: it has ended."""
    by: str
    started: datetime
    ended: datetime | None

    @property
    def path(self) -> str:
        return f"/settings/jobs/{self.id}"


def job_view(job: Job, kind: JobKind[Any, Any], say: Translator) -> JobView:
    label, badge = STATES[job.state]
    total = None if job.total is None else max(job.total, job.done)
    return JobView(
        id=job.id,
        title=say(kind.title),
        state=job.state,
        state_label=say(label),
        state_kind=badge,
        progress=_progress(job.done, total, say),
        done=job.done,
        total=total,
        counts=tuple(
            Count(outcome, say(words), say.number(job.counts[outcome]))
            for outcome, words in kind.outcomes.items()
            if job.counts.get(outcome)
        ),
        error=say(job.error.text, **job.error.values) if job.error and job.state is not JobState.DONE else "",
        acts=tuple(ActView(act, say(ACTS[act][0]), ACTS[act][1]) for act in acts_of(job)),
        file=kind.file(job),
        delay=_delay(job),
        by=job.by_name,
        started=job.created_at,
        ended=job.ended_at,
    )


def _progress(done: int, total: int | None, say: Translator) -> str:
    if total is None:
        return say.number(done)
    return say("%(done)s of %(total)s", done=say.number(done), total=say.number(total))


def _delay(job: Job) -> int | None:
    """A tenth of the job's age: one that takes an hour need not be polled twice a second."""
    if job.state in ENDED:
        return None
    if job.state is JobState.PAUSED:
        return SLOWEST
    age = (now() - (job.started_at or now())).total_seconds()
    return round(min(max(age * 1000 / 10, FASTEST), SLOWEST))
