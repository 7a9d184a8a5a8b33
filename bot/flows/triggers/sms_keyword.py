"""SMS keyword: someone texts the keyword of a program, and the flow talks by SMS."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.flows.triggers.base import KeywordTexted, Moment, TriggerBase
from bot.model.keyword_program import LONGEST_KEYWORD


class SmsKeyword(TriggerBase):
    """It starts after the keyword has opted them in. Upper and lower case make no difference."""

    kind: Literal["sms_keyword"] = "sms_keyword"
    keyword: str = Field(min_length=1, max_length=LONGEST_KEYWORD)

    def starts(self, moment: Moment) -> bool:
        return isinstance(moment, KeywordTexted) and moment.keyword.casefold() == self.keyword.strip().casefold()
