"""Time on a page: a visitor has been on a page for a while and hasn't opened the chat there."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.flows.triggers.base import Moment, StaysOnPage, TriggerBase
from bot.flows.triggers.page_pattern import PagePattern, matches_page

ANY_PAGE = "*"
LONGEST_STAY = 3600
"""Seconds."""


class TimeOnPage(TriggerBase):
    """The page counts the seconds and asks the server once. `pages`: as in `PageAddress`; empty: any page."""

    kind: Literal["time_on_page"] = "time_on_page"
    seconds: int = Field(ge=1, le=LONGEST_STAY)
    pages: tuple[PagePattern, ...] = Field(default=(), max_length=50)

    @property
    def patterns(self) -> tuple[PagePattern, ...]:
        return self.pages or (ANY_PAGE,)

    def starts(self, moment: Moment) -> bool:
        if not isinstance(moment, StaysOnPage) or moment.seconds != self.seconds:
            return False
        return matches_page(self.patterns, moment.page)
