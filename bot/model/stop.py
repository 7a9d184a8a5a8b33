"""A number that opted out of all texts."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document


class Stop(Document):
    """`_id` is the number (E.164). It applies to whoever has the number, until the number itself texts START."""

    at: datetime
    text: str
    """The text that caused it, word for word."""
    text_id: str = ""
    lifted_at: datetime | None = None

    @property
    def holds(self) -> bool:
        return self.lifted_at is None
