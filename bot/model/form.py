"""Forms as teammates keep them, to insert them again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from bot.model.base import Document
from bot.model.subscription import name_key


class FormTemplate(Document):
    """What a card begins with. What was inserted is a copy: it stays as it was shown, whatever becomes of this."""

    name: str = Field(min_length=1, max_length=120)
    subscription: str
    title: str = Field(min_length=1, max_length=200)
    button: str = Field(default="", max_length=60)
    legal_text: str = Field(default="", max_length=2000)
    by: str
    """The teammate who saved it."""
    created_at: datetime
    expires_at: datetime | None = None
    """It was removed."""

    def stored(self) -> dict[str, Any]:
        """With the key by which names are unique (letters' case and spaces aside)."""
        return {**super().stored(), "name_key": name_key(self.name)}
