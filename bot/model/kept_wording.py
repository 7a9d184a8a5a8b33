"""The words that the code of a text names."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document
from bot.model.event import Words


class KeptWording(Document):
    """What a page or poster of a public form shows beside a code, word for word. Its `_id` is the code. It never
    changes: other words have another code."""

    subscription: str
    template: str
    place: str
    """Where the words are read: the end of the form's address."""
    words: Words
    expires_at: datetime | None = None
    """None: the code is printed, and is valid forever."""
