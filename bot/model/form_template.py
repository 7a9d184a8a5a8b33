"""Form templates that teammates save to insert again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from bot.model.base import Document
from bot.model.form_words import FormWords
from bot.model.subscription import name_key


class FormTemplate(Document, FormWords):
    """The initial values of a card. An inserted card is a copy and does not change with the template."""

    name: str = Field(min_length=1, max_length=120)
    subscription: str
    title: str = Field(min_length=1, max_length=200)
    locale: str = "en"
    translations: dict[str, FormWords] = Field(default_factory=dict)
    by: str
    """The teammate who saved it."""
    is_public: bool = False
    """It has a page of its own at `/f/{id}`, while its subscription is live."""
    created_at: datetime
    expires_at: datetime | None = None
    """Set when it was removed."""

    def stored(self) -> dict[str, Any]:
        """Includes the key that keeps names unique, ignoring case and spaces."""
        return {**super().stored(), "name_key": name_key(self.name)}
