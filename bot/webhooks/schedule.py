"""When a notification is tried again, and when an endpoint has failed for too long: pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import uniform

PAUSES = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 28_800)
"""Seconds after the first attempt that failed, the second, …: eleven attempts in a day."""
LONGEST_WISH = 6 * 3600
"""Seconds of a `Retry-After` that is obeyed."""
FAILING_FOR = timedelta(days=3)
"""An endpoint is disabled when no attempt has succeeded for so long."""


def next_try(tries: int, retry_after: float | None, time: datetime) -> datetime | None:
    """After `tries` attempts that failed. None: there is none. With jitter, so that what failed together isn't tried
    together again."""
    if tries > len(PAUSES):
        return None
    pause = PAUSES[tries - 1] * uniform(1.0, 1.1)  # noqa: S311 (no secret)
    return time + timedelta(seconds=max(pause, min(retry_after or 0.0, LONGEST_WISH)))


def has_failed_for_long(failing_since: datetime | None, time: datetime) -> bool:
    return failing_since is not None and time - failing_since >= FAILING_FOR
