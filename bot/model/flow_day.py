"""What happened on one day in a version of a flow: numbers only, nothing about a person."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from bot.model.base import Document


class FlowDay(Document):
    """`_id` is `<flow>:<version>:<day>`."""

    flow: str
    version: int
    day: datetime
    """Midnight in UTC."""
    counts: dict[str, int] = Field(default_factory=dict)
    """By what is counted, see `bot.flows.counting` and `bot.flows.outcomes`."""


class OutcomeCursor(Document):
    """How far the ledger is counted."""

    event: str
    """The public id of the newest event that is."""
