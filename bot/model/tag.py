"""Labels that teammates put on contacts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from bot.model.base import Document
from bot.model.subscription import name_key


class Tag(Document):
    """Contacts hold its id. A deleted tag disappears from all pages; ids that contacts still hold are ignored."""

    name: str = Field(min_length=1, max_length=60)
    by: str
    """The teammate or program that created it."""
    created_at: datetime
    deleted_at: datetime | None = None

    def stored(self) -> dict[str, Any]:
        """Includes the key that keeps names unique among tags that are in use, ignoring case and spaces."""
        raw = super().stored()
        return raw if self.deleted_at else {**raw, "name_key": name_key(self.name)}
