"""How far the consumers have followed the ledger, and the events that one of them failed on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.model.base import Document


class EventCursor(Document):
    """Every event up to here was looked at again after it was recorded, or has an `EventRetry`."""

    token: dict[str, Any]
    """The resume token of the change stream of events."""
    at: datetime
    """The same as a time: where the token is lost, the ledger is scanned from a while before it."""


class EventRetry(Document):
    """An event that a consumer failed on. `_id` is the event's own."""

    tries: int = 1
    due: datetime | None = None
    done_at: datetime | None = None
    """It was handled after all; the record of that goes by itself, a while later."""
