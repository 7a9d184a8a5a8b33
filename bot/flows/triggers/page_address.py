"""Page address: a visitor opens the messenger on a page whose address matches."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from bot.flows.triggers.base import MessengerOpens, Moment, TriggerBase

Pattern = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^(/|\*|https?://)")]


class PageAddress(TriggerBase):
    """`pages`: paths like `/cart` or `/beans/*`, or whole addresses. `*` stands for anything."""

    kind: Literal["page_address"] = "page_address"
    pages: tuple[Pattern, ...] = Field(min_length=1, max_length=50)

    def starts(self, moment: Moment) -> bool:
        return isinstance(moment, MessengerOpens) and any(_matches(page, moment.page) for page in self.pages)


def _matches(pattern: str, address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    whole = f"{parts.scheme}://{parts.netloc}{parts.path}"
    tried = parts.path or "/" if pattern.startswith("/") else whole
    return fnmatchcase(tried.replace("[", "_"), pattern.replace("[", "_")) if parts.netloc else False
