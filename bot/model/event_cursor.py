"""The consumers' recovery cursor, and the events that one of them failed on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.model.base import Document


class EventCursor(Document):
    """Every event up to here was checked again after it was recorded, or has an `EventRetry`."""

    token: dict[str, Any]
    """The resume token of the change stream of events."""
    at: datetime
    """The same position as a time: if the token is lost, the ledger is scanned from shortly before it."""


class EventRetry(Document):
    """An event that a consumer failed on. `_id` is the event's own."""

    tries: int = 1
    due: datetime | None = None
    done_at: datetime | None = None
    """When it was handled after all. The document expires later."""
