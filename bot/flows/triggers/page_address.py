"""Page address: a visitor opens the messenger on a page whose address matches."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.flows.triggers.base import MessengerOpens, Moment, TriggerBase
from bot.flows.triggers.page_pattern import PagePattern, matches_page


class PageAddress(TriggerBase):
    """`pages`: paths like `/cart` or `/beans/*`, or whole addresses. `*` stands for anything."""

    kind: Literal["page_address"] = "page_address"
    pages: tuple[PagePattern, ...] = Field(min_length=1, max_length=50)

    def starts(self, moment: Moment) -> bool:
        return isinstance(moment, MessengerOpens) and matches_page(self.pages, moment.page)
