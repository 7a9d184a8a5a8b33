"""The states of a job, without a database."""

from __future__ import annotations

import pytest

from bot.jobs.rules import (
    ATTEMPTS,
    BATCH_SECONDS,
    ENDED,
    LONGEST_PAUSE,
    TARGETS,
    JobAction,
    acts_on,
    next_limit,
    retry_after,
)
from bot.model.job import JobState

ALLOWED = {
    JobState.QUEUED: [JobAction.PAUSE, JobAction.CANCEL],
    JobState.RUNNING: [JobAction.PAUSE, JobAction.CANCEL],
    JobState.PAUSED: [JobAction.RESUME, JobAction.CANCEL],
    JobState.DONE: [],
    JobState.FAILED: [JobAction.RETRY],
    JobState.CANCELED: [],
}


@pytest.mark.parametrize("state", JobState)
def test_each_state_allows_its_acts(state: JobState) -> None:
    assert acts_on(state) == ALLOWED[state]


@pytest.mark.parametrize("act", JobAction)
def test_no_act_leaves_a_job_where_it_was(act: JobAction) -> None:
    assert all(TARGETS[act] is not state for state in JobState if act in acts_on(state))


def test_what_is_done_or_canceled_stays_so() -> None:
    assert {state for state in ENDED if acts_on(state)} == {JobState.FAILED}


def test_pauses_between_attempts_grow_up_to_a_bound_and_then_the_job_fails() -> None:
    pauses = [retry_after(attempts) for attempts in range(1, ATTEMPTS + 1)]
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE, None]


def test_progress_in_the_same_attempt_counts_as_a_fresh_start() -> None:
    assert retry_after(0) == retry_after(1)


@pytest.mark.parametrize(
    ("limit", "seconds", "expected"),
    [
        (100, BATCH_SECONDS, 100),
        (100, BATCH_SECONDS / 50, 200),
        (100, BATCH_SECONDS * 2, 50),
        (100, 60, 25),
        (1, 60, 1),
        (900, 0, 1000),
    ],
)
def test_batches_grow_and_shrink_to_take_a_quarter_of_a_second(limit: int, seconds: float, expected: int) -> None:
    assert next_limit(limit, seconds, 1000) == expected


def test_slow_items_come_to_a_batch_of_less_than_a_second() -> None:
    limit = 1000
    for _ in range(12):
        limit = next_limit(limit, limit * 0.2, 1000)
    assert limit * 0.2 <= 2 * BATCH_SECONDS
