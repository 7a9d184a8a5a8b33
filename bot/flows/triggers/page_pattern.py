"""Addresses of pages with wildcards, as triggers name them: pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

PagePattern = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^(/|\*|https?://)")]
"""A path like `/cart` or `/beans/*`, or a whole address. `*` stands for anything, `?` for one character.

`static/widget-timers.js` matches by the same rules.
"""


def matches_page(patterns: Iterable[str], address: str) -> bool:
    """Whether the address matches one of them, without its query and fragment. Matching doesn't backtrack, since
    anyone can send an address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    path = parts.path or "/"
    whole = f"{parts.scheme}://{parts.netloc}{path}"
    return bool(parts.netloc) and any(_matches(p, path if p.startswith("/") else whole) for p in patterns)


def _matches(pattern: str, text: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))
