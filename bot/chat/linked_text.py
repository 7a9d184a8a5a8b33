"""Texts are data (law 12): the only markup they may contain is links. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from linkify_it import LinkifyIt
from markdown_it import MarkdownIt


@dataclass(frozen=True, slots=True)
class LinkedText:
    text: str
    href: str | None = None


def _reader(*rules: str) -> MarkdownIt:
    reader = MarkdownIt("zero", {"linkify": True}).enable(["linkify", *rules])
    # A bare "readme.md" is not a link: an address has a scheme, or is an email address.
    reader.linkify = LinkifyIt(options={"fuzzy_link": False, "fuzzy_email": True})
    return reader


_NAMED, _BARE = _reader("link"), _reader()
_HOST = re.compile(r"(?:[a-z]+:)?(?://)?(?:[^/?#]*@)?([^/?#]*)", re.IGNORECASE)


@lru_cache(maxsize=2048)
def segments(text: str, *, named: bool = True) -> tuple[LinkedText, ...]:
    """Turns `[Terms](https://…)` (if `named`) and bare addresses into links; everything else stays text.

    Only for `http`, `https` and `mailto`; for other schemes (`javascript:`) only the text is shown. Text from strangers
    is read with `named=False`, so that a link always shows its target, and a host that looks like another as Punycode.
    """
    found: list[LinkedText] = []
    href: str | None = None
    for token in (_NAMED if named else _BARE).parseInline(text)[0].children or ():
        if token.type == "link_open":
            href = str(token.attrGet("href") or "")
            href = href if urlsplit(href).scheme in {"http", "https", "mailto"} else None
        elif token.type == "link_close":
            href = None
        elif token.content:
            text = token.content if named or href is None else _unmistakable(token.content, href)
            found.append(LinkedText(text, href))
    return tuple(found)


def _unmistakable(address: str, href: str) -> str:
    """An address as it was written, with the host of its `href`, and nothing invisible that could reorder it."""
    visible = "".join(c for c in address if unicodedata.category(c) != "Cf")
    written, target = _HOST.match(visible), _HOST.match(href)
    return f"{visible[: written.start(1)]}{target[1]}{visible[written.end(1) :]}" if written and target else href
