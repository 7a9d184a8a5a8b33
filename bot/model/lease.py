"""A named lease, held by one process at a time."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document


class LeaseRecord(Document):
    """`_id` is its name."""

    holder: str
    """The current or last holder."""
    term: int
    """Incremented when the holder changes: a write with an older term comes from a former holder."""
    until: datetime
    """By the database's clock."""
