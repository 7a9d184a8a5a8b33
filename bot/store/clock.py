"""The database's own clock in updates and queries, so that processes need not agree on the time.

Times are compared as numbers: the second embedded server can't compare `$$NOW` with a stored time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_past(field: str) -> dict[str, Any]:
    """Whether the time in `field` is over; a missing one is."""
    return {"$lte": [{"$toLong": {"$ifNull": [f"${field}", EPOCH]}}, {"$toLong": "$$NOW"}]}


def from_now(seconds: float) -> dict[str, Any]:
    return {"$add": ["$$NOW", round(seconds * 1000)]}
