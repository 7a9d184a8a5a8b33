"""Base classes and helpers of all documents."""

from __future__ import annotations

import secrets
import unicodedata
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field
from ulid import ULID


class Value(BaseModel):
    """Part of a document: frozen. Unknown fields are ignored, so that two versions can run at once."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class Document(Value):
    """One stored document. `id` is `_id` in the database."""

    id: str = Field(alias="_id")

    def stored(self) -> dict[str, Any]:
        """The document as stored: fields without a value are omitted."""
        return self.model_dump(by_alias=True, exclude_none=True)

    @classmethod
    def load(cls, raw: dict[str, Any]) -> Self:
        return cls.model_validate(raw)


class _Random:
    """Random bytes from the system, fetched 4 kB at a time: on virtual machines one fetch can cost 0.1 ms."""

    def __init__(self) -> None:
        self._bytes, self._at = b"", 0

    def bytes(self, count: int) -> bytes:
        if self._at + count > len(self._bytes):
            self._bytes, self._at = secrets.token_bytes(4096), 0
        self._at += count
        return self._bytes[self._at - count : self._at]


_random = _Random()


def random_hex(bytes: int) -> str:
    return _random.bytes(bytes).hex()


def folded_words(text: str, *, most: int = 100) -> list[str]:
    """The searchable words of a text: lowercase without accents, each once."""
    return list(dict.fromkeys(word[:40] for word in words_in_order(text)))[:most]


def words_in_order(text: str) -> list[str]:
    """Lowercase without accents, as often as they occur."""
    if text.isascii():
        return text[:8000].translate(_ASCII_WORDS).split()
    plain = (c for c in unicodedata.normalize("NFKD", text[:8000].casefold()) if not unicodedata.combining(c))
    return "".join(c if c.isalnum() else " " for c in plain).split()


_ASCII_WORDS = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
"""As below for any text, which takes five times as long."""


def new_id() -> str:
    """A public id: 24 hex digits, 96 random bits, so that it can't be guessed."""
    return random_hex(12)


def new_ulid(time: datetime) -> str:
    """An id that sorts by its time: 48 bits of it and 80 random ones, in the 26 characters of a ULID."""
    return _ulid_time(time) + _random.bytes(16).translate(_CROCKFORD).decode()


@lru_cache(maxsize=64)
def _ulid_time(time: datetime) -> str:
    return str(ULID.from_datetime(time))[:10]


_CROCKFORD = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ" * 8
"""By byte: the digit of its last five bits."""


def now() -> datetime:
    """The time in UTC in whole milliseconds, as the database stores it."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


@lru_cache(maxsize=1024)
def iso(time: datetime) -> str:
    """`2026-11-23T09:41:00.000Z`"""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
