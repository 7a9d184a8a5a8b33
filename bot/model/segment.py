"""A saved filter."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from bot.model.base import Document
from bot.model.filter import Filter
from bot.model.subscription import name_key


class Segment(Document):
    """Its members are the contacts that currently match the filter."""

    name: str = Field(min_length=1, max_length=80)
    filter: Filter
    by: str
    """The teammate who created it."""
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None

    def stored(self) -> dict[str, Any]:
        """The filter as text: names of its fields stay free to change. Includes the key that keeps names unique among
        segments in use."""
        raw = {**super().stored(), "filter": self.filter.as_text()}
        return raw if self.archived_at else {**raw, "name_key": name_key(self.name)}

    @classmethod
    def load(cls, raw: dict[str, Any]) -> Segment:
        return cls.model_validate({**raw, "filter": Filter.from_text(raw["filter"])})
