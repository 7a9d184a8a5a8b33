"""A lease: one process at a time may do what it names."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document


class LeaseRecord(Document):
    """`_id` is what the lease is for."""

    holder: str
    """The process that has it, or had it last."""
    term: int
    """Counts the changes of holder: a write that names an older term comes from a holder that lost the lease."""
    until: datetime
    """By the database's clock."""
