"""Whether a marketing text may be sent at a time, and else when at the earliest, and which rule says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from holidays import HolidayBase, country_holidays

from bot.compliance.texting_rules import VERSION, Cap, Hours, Minutes, Unless, caps_in, hours_in
from bot.compliance.whereabouts import Whereabouts

LOOK_AHEAD = timedelta(days=14)
"""A text that may not be sent within this time is not held back for it."""
ALWAYS: frozenset[Unless] = frozenset()


@dataclass(frozen=True, slots=True)
class TimeCheck:
    """The answer for one person at one moment."""

    allowed: bool
    earliest: datetime | None
    """When it may be sent at the earliest; None: not within `LOOK_AHEAD`, or nobody knows."""
    rule: str
    """The row that forbids it now; empty if it is allowed."""
    quiet_from: datetime | None
    """When the hours end that allow it now."""
    local_times: tuple[str, ...]
    """The local time in each zone, in ISO 8601 with its offset."""
    zone_source: str
    version: str = VERSION

    def validity(self, at: datetime) -> int:
        """Seconds from `at` until quiet hours begin: how long a carrier may hold the text back."""
        return max(0, int((self.quiet_from - at).total_seconds())) if self.quiet_from else 0


@lru_cache(maxsize=4096)
def check_time(where: Whereabouts, at: datetime, conditions: frozenset[Unless] = ALWAYS) -> TimeCheck:
    """Whether a marketing text may be sent to somebody there at this time (UTC). Cached: people of one place
    share the answer."""
    told = tuple(at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds") for zone in where.zones)
    if not where.zones:
        return TimeCheck(False, None, "unknown-time-zone", None, told, where.source)
    moment, rule = at, ""
    while blocked := _blocked(where, moment, conditions):
        row, opens = blocked
        rule = rule or row.id
        if opens is None or opens - at > LOOK_AHEAD:
            return TimeCheck(False, None, rule, None, told, where.source)
        moment = opens
    quiet_from = _quiet_from(where, at, conditions) if not rule else None
    return TimeCheck(not rule, moment, rule, quiet_from, told, where.source)


def check_caps(
    where: Whereabouts, sent: Sequence[datetime], at: datetime, conditions: frozenset[Unless] = ALWAYS
) -> tuple[Cap, datetime] | None:
    """The cap that forbids another marketing text at this time, and when it no longer does; None: there is none.

    `sent`: when the person got marketing texts, at least those of the longest cap."""
    found: list[tuple[Cap, datetime]] = []
    for cap in caps_in(where.places, at.date(), conditions):
        recent = sorted(one for one in sent if one > at - timedelta(hours=cap.hours))
        if len(recent) >= cap.most:
            found.append((cap, recent[-cap.most] + timedelta(hours=cap.hours)))
    return max(found, key=lambda one: one[1], default=None)


def _blocked(where: Whereabouts, at: datetime, conditions: frozenset[Unless]) -> tuple[Hours, datetime | None] | None:
    """A row that forbids this time in one of the zones, and when it next allows it."""
    for row, zone in _rows(where, at, conditions):
        if _window_at(row, at.astimezone(zone)) is None:
            return row, _opens(row, at, zone)
    return None


def _quiet_from(where: Whereabouts, at: datetime, conditions: frozenset[Unless]) -> datetime | None:
    ends = []
    for row, zone in _rows(where, at, conditions):
        local = at.astimezone(zone)
        if window := _window_at(row, local):
            ends.append(_instant(local.date(), window[1], zone))
    return min(ends, default=None)


def _rows(where: Whereabouts, at: datetime, conditions: frozenset[Unless]) -> Iterator[tuple[Hours, ZoneInfo]]:
    for name in where.zones:
        zone = ZoneInfo(name)
        for row in _hours(where.places, at.astimezone(zone).date(), conditions):
            yield row, zone


@lru_cache(maxsize=4096)
def _hours(places: frozenset[str], day: date, conditions: frozenset[Unless]) -> tuple[Hours, ...]:
    return tuple(hours_in(places, day, conditions))


def _window_at(row: Hours, local: datetime) -> Minutes | None:
    window = _window(row, local.date())
    minute = local.hour * 60 + local.minute
    return window if window and window[0] <= minute < window[1] else None


def _window(row: Hours, day: date) -> Minutes | None:
    if not row.on_holidays and day in _holidays(row.where):
        return None
    weekday = day.weekday()
    return row.days[max(0, weekday - 4)]


def _opens(row: Hours, at: datetime, zone: ZoneInfo) -> datetime | None:
    """When the row next allows a text in the zone."""
    first = at.astimezone(zone).date()
    for days in range((LOOK_AHEAD + timedelta(days=1)).days):
        day = first + timedelta(days=days)
        window = _window(row, day)
        if window and (opens := _instant(day, window[0], zone)) > at:
            return opens
    return None


def _instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=zone).astimezone(UTC)


@cache
def _holidays(where: str) -> HolidayBase:
    """Public holidays, including those that are observed on another day."""
    country, _, state = where.partition("-")
    return country_holidays(country, subdiv=state or None)
