"""The contacts that a bulk change is for."""

from __future__ import annotations

from pydantic import Field

from bot.model.base import Value

MOST_SELECTED = 1000
"""Contacts that can be selected one by one; more are selected by a filter."""


class Selection(Value):
    """Contacts selected one by one, or, without `ids`, everyone that matches a filter. Both follow the contacts' ids,
    so that a job visits each contact once."""

    ids: tuple[str, ...] = Field(default=(), max_length=MOST_SELECTED)
    filter: str | None = None
    """`Filter.as_text`."""
