"""Keyset paging: one cursor and one page for every list, so that a page costs the same at row 50 and at row 500,000."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from urllib.parse import quote, unquote

from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.base import iso

T = TypeVar("T")
Key = int | str | datetime

LONGEST = 400
"""Characters of a cursor; the longest sort key is a name of 120."""
LARGEST = 2**53
"""Above any sequence, and exact in JSON and BSON."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a list continues: the sort keys of the last item shown, the unique one last.

    As text (`str(cursor)`) the keys are joined by commas, so the cursor of a sequence is the number itself.
    """

    keys: tuple[Key, ...]

    def __str__(self) -> str:
        return ",".join(_written(key) for key in self.keys)

    @classmethod
    def parse(cls, text: str, *kinds: type[Key]) -> Cursor | None:
        """The cursor in an address or a request; None for an empty text: the list begins.

        Raises Invalid: it has other keys than `kinds`, in this order.
        """
        if not text:
            return None
        parts = text.split(",")
        if len(text) > LONGEST or len(parts) != len(kinds):
            raise unreadable()
        return cls(tuple(_read(part, kind) for part, kind in zip(parts, kinds, strict=True)))


def sequence_of(cursor: Cursor | None) -> int | None:
    """The number in the cursor of a numbered list."""
    return None if cursor is None else int(str(cursor))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, in its order. `next` is None on the last page."""

    items: Sequence[T]
    next: Cursor | None = None

    @classmethod
    def cut(cls, found: Sequence[T], limit: int, keys: Callable[[T], tuple[Key, ...]]) -> Page[T]:
        """`found` was read with `limit + 1`: the extra item shows that there is another page."""
        items = found[:limit]
        return cls(items, Cursor(keys(items[-1])) if len(found) > limit else None)


def _written(key: Key) -> str:
    if isinstance(key, datetime):
        return iso(key)
    return str(key) if isinstance(key, int) else quote(key, safe="")


def _read(text: str, kind: type[Key]) -> Key:
    try:
        if kind is int:
            return _number(text)
        return _time(text) if kind is datetime else unquote(text, errors="strict")
    except (ValueError, OverflowError):
        raise unreadable() from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 17 and int(text) <= LARGEST):
        raise ValueError
    return int(text)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError
    return time.astimezone(UTC)


def unreadable() -> Invalid:
    return Invalid(_("Couldn't load more. Reload the page."))
