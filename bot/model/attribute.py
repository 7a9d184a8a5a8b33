"""Custom attributes of contacts: defined in the settings, typed, and filled by profiles, imports and the API."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.base import Document
from bot.model.subscription import name_key

AttributeValue = str | float | bool | datetime
"""As stored: a list's value is one of its options, a date is the beginning of the day in UTC."""
LONGEST = 500
LARGEST = 1e15
YES, NO = {"true", "yes", "y", "1", "on"}, {"false", "no", "n", "0", "off"}


class AttributeType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    LIST = "list"
    """One of its options."""


class Attribute(Document):
    """`_id` is the key that contacts, variables and filters use. Key and type never change."""

    id: str = Field(alias="_id", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    name: str = Field(min_length=1, max_length=60)
    type: AttributeType
    options: tuple[str, ...] = ()
    """Of a list."""
    by: str
    created_at: datetime
    archived_at: datetime | None = None

    def stored(self) -> dict[str, Any]:
        """Includes the key that keeps names unique among attributes that are in use, ignoring case and spaces."""
        raw = super().stored()
        return raw if self.archived_at else {**raw, "name_key": name_key(self.name)}

    @property
    def key(self) -> str:
        return self.id

    def read(self, text: str) -> AttributeValue | None:
        """The value that a person or a file wrote; None: it is empty. Raises Invalid."""
        text = text.strip()
        return _READERS[self.type](self, text) if text else None

    def text_of(self, value: str | float | bool | None) -> str:
        """A value of JSON as `read` takes it. A date may be in Unix seconds."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if self.type is AttributeType.DATE and isinstance(value, int | float):
            return _day_of(value)
        return "" if value is None else str(value)

    def written(self, value: AttributeValue) -> str:
        """The value in a form or a file: what `read` takes."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, datetime):
            return value.date().isoformat()
        return f"{value:.15g}" if isinstance(value, int | float) else value


def _day_of(seconds: float) -> str:
    """Empty texts remove a value, so an impossible time is a text that is no date."""
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return "?"


def key_of(name: str) -> str:
    """A key for an attribute of this name."""
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")[:40]


def _text(attribute: Attribute, text: str) -> AttributeValue:
    if len(text) > LONGEST:
        raise Invalid(_("Too long. Use up to %(most)s characters."), most=str(LONGEST))
    return text


def _number(attribute: Attribute, text: str) -> AttributeValue:
    try:
        value = float(text.replace("_", "x"))
    except ValueError:
        value = LARGEST
    if not abs(value) < LARGEST:
        raise Invalid(_("Enter a number like 12.5."))
    return value


def _date(attribute: Attribute, text: str) -> AttributeValue:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        raise Invalid(_("Enter a date like 2026-11-30.")) from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _boolean(attribute: Attribute, text: str) -> AttributeValue:
    if (word := text.casefold()) not in YES | NO:
        raise Invalid(_("Enter true or false."))
    return word in YES


def _option(attribute: Attribute, text: str) -> AttributeValue:
    for option in attribute.options:
        if option.casefold() == text.casefold():
            return option
    raise Invalid(_("Choose one of: %(options)s."), options=", ".join(attribute.options))


_READERS = {
    AttributeType.TEXT: _text,
    AttributeType.NUMBER: _number,
    AttributeType.DATE: _date,
    AttributeType.BOOLEAN: _boolean,
    AttributeType.LIST: _option,
}
