"""Replies that teammates save to insert again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from bot.model.base import Document
from bot.model.subscription import name_key


class SavedReply(Document):
    """Shared by all teammates. `text` may contain variables like `{first_name|there}`."""

    name: str = Field(min_length=1, max_length=60)
    text: str = Field(min_length=1, max_length=2000)
    by: str
    """The teammate who changed it last."""
    updated_at: datetime
    expires_at: datetime | None = None
    """Set when it was deleted."""

    def stored(self) -> dict[str, Any]:
        """Includes the key that keeps names unique, ignoring case and spaces."""
        return {**super().stored(), "name_key": name_key(self.name)}
