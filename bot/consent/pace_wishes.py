"""What a text or a choice asks for: a pause, fewer texts, or the end of either. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.compliance.keyword_table import MONTHS, NUMBER_WORDS, UNITS, Keyword
from bot.consent.keyword_phrases import normalized
from bot.model.pace import NO_PACE, Often, Pace

USUAL_DAYS = 30
"""Of a PAUSE that names no time."""
MOST_DAYS = 365
"""A longer pause would better be an opt-out."""


def pace_asked(keyword: Keyword, text: str, before: Pace, at: datetime) -> Pace:
    """What the person's wish is after a text that means this keyword. A wish for fewer never loosens the limit."""
    if keyword is Keyword.RESUME:
        return NO_PACE
    if keyword is Keyword.PAUSE:
        return before.model_copy(update={"paused_until": at + timedelta(days=pause_days(text))})
    is_less_still = before.at_most is Often.WEEK and UNITS.keys().isdisjoint(normalized(text).split())
    monthly = is_less_still or not MONTHS.isdisjoint(normalized(text).split())
    return before.stricter(Pace(at_most=Often.MONTH if monthly else Often.WEEK))


def pause_days(text: str) -> int:
    """How many days of a pause a text names: "PAUSE 30", "pause for two weeks"."""
    words = normalized(text).split()
    number = next((_number(word) for word in words if _number(word)), 0)
    unit = next((UNITS[word] for word in words if word in UNITS), 0)
    days = (number or 1) * (unit or 1) if number or unit else USUAL_DAYS
    return min(days, MOST_DAYS)


def _number(word: str) -> int:
    return int(word) if word.isdecimal() else NUMBER_WORDS.get(word, 0)
