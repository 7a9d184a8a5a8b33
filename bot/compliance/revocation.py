"""The rules on revocations as dated data: what a revocation must end, and how soon. Pure.

Sayso always does more than the law asks: a STOP ends all texts at once. The version in force is stored with each
revocation, so that it can be judged by the rules of its day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

from holidays import HolidayBase, country_holidays

WASHINGTON = ZoneInfo("America/New_York")
"""Rules take effect at midnight there, and its business days count."""


class RevocationScope(StrEnum):
    """What the revocation of one kind of message must end by law."""

    CATEGORY = "category"
    """All messages of that kind: revoking marketing ends all marketing."""
    EVERYTHING = "everything"
    """All messages that need consent, also about unrelated matters ("revoke all")."""


@dataclass(frozen=True, slots=True)
class RevocationPolicy:
    version: str
    effective_from: datetime
    must_end: RevocationScope
    business_days: int
    """Within which a revocation must take effect; weekends and federal holidays don't count."""
    confirmation_within: timedelta
    """The one text that confirms a revocation is presumed to be covered by the consent until then."""
    source: str


POLICIES: tuple[RevocationPolicy, ...] = (
    RevocationPolicy(
        "us-2025-04-11",
        datetime(2025, 4, 11, tzinfo=WASHINGTON),
        RevocationScope.CATEGORY,
        10,
        timedelta(minutes=5),
        "47 CFR 64.1200(a)(10)-(12); its extension to unrelated messages is waived by FCC DA 25-312 and DA 26-12",
    ),
    RevocationPolicy(
        "us-2027-01-31",
        datetime(2027, 1, 31, tzinfo=WASHINGTON),
        RevocationScope.EVERYTHING,
        10,
        timedelta(minutes=5),
        "47 CFR 64.1200(a)(10), in full: the waiver of FCC DA 26-12 ends",
    ),
)
"""The oldest first. Revocations from before the first one are judged by it."""


def policy_at(time: datetime, policies: Sequence[RevocationPolicy] = POLICIES) -> RevocationPolicy:
    """The policy in force at this time."""
    return next((policy for policy in reversed(policies) if policy.effective_from <= time), policies[0])


def due_at(received: datetime) -> datetime:
    """When a revocation received at this time must have taken effect at the latest: the same time of day in Washington,
    on the last of the business days after that day."""
    day, left = received.astimezone(WASHINGTON), policy_at(received).business_days
    while left:
        day += timedelta(days=1)
        left -= _is_business_day(day)
    return day.astimezone(received.tzinfo)


def business_days_left(due: datetime, at: datetime) -> int | None:
    """How many business days follow until it is due; 0: it is due today. None: it is overdue."""
    if at >= due:
        return None
    day, last, left = at.astimezone(WASHINGTON), due.astimezone(WASHINGTON).date(), 0
    while day.date() < last:
        day += timedelta(days=1)
        left += _is_business_day(day)
    return left


def _is_business_day(day: datetime) -> bool:
    return day.weekday() < 5 and day.date() not in _federal_holidays()


@cache
def _federal_holidays() -> HolidayBase:
    """Observed ones too. Years are added as they are asked for."""
    return country_holidays("US")
