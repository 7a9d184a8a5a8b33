"""Addresses of pages with wildcards, as triggers name them: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

PagePattern = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^(/|\*|https?://)")]
"""A path like `/cart` or `/beans/*`, or a whole address. `*` stands for anything, `?` for one character."""


def page_expression(patterns: Iterable[str]) -> str:
    """A regular expression for addresses without query and fragment, which Python and browsers read alike."""
    return "|".join(f"^{_expression(pattern)}$" for pattern in patterns)


def _expression(pattern: str) -> str:
    escaped = "".join({"*": ".*", "?": "."}.get(c, c if c.isalnum() or c in "/-_:" else re.escape(c)) for c in pattern)
    return f"https?://[^/]+{escaped}" if pattern.startswith("/") else escaped


def matches_page(patterns: Iterable[str], address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    whole = f"{parts.scheme}://{parts.netloc}{parts.path or '/'}"
    return bool(parts.netloc) and re.search(page_expression(patterns), whole, re.DOTALL) is not None
