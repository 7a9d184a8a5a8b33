"""Times in the teammate's language and time zone. In templates: `{{ m.when(at) }}`."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web
from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta, get_timezone_name

from bot.errors import marked as _
from bot.i18n import translator
from bot.model.base import iso, now
from bot.model.teammate import Teammate

COOKIE = "sayso_zone"
"""The browser's time zone, written by `static/lib/zone.js`. A teammate's own choice takes precedence."""
RELATIVE = timedelta(days=7)
"""An older time is shown as a date."""

Style = Literal["relative", "list", "clock", "long"]


@dataclass(frozen=True, slots=True)
class ShownTime:
    iso: str
    exact: str
    text: str


@dataclass(frozen=True, slots=True)
class Clock:
    """How one reader sees times."""

    locale: str = "en"
    zone: tzinfo = UTC

    def show(self, at: datetime | str, style: Style = "relative") -> ShownTime:
        """`relative`: "5 minutes ago", a date after a week. `list`: the time today, else the date. `clock`: the time.
        `long`: weekday, date and time."""
        time = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(self.zone)
        text = {"relative": self._relative, "list": self._short, "clock": self._time, "long": self._long}[style]
        return ShownTime(iso(time), self.exact(time), text(time))

    def exact(self, at: datetime) -> str:
        """`Nov 30, 2026, 9:41 AM EST`"""
        time = at.astimezone(self.zone)
        day = format_date(time, "medium", locale=self.locale)
        zone = get_timezone_name(time, "short", locale=self.locale)
        return self._joined(day, f"{self._time(time)} {zone}")

    def wall_time(self, text: str) -> str:
        """A time on somebody else's clock, `2026-11-30T09:41`; empty: it stays so."""
        time = datetime.fromisoformat(text) if text else None
        return self._joined(format_date(time, "medium", locale=self.locale), self._time(time)) if time else ""

    def day(self, at: datetime) -> str:
        """`Nov 23`; with the year if it is not the current one."""
        time = at.astimezone(self.zone)
        skeleton = "MMMd" if time.year == self._now().year else "yMMMd"
        return format_skeleton(skeleton, time, locale=self.locale)

    def parse(self, text: str) -> datetime:
        """A value of a date and time field. Raises ValueError or OverflowError."""
        time = datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=self.zone)
        return time.astimezone(UTC)

    def _now(self) -> datetime:
        return now().astimezone(self.zone)

    def _time(self, time: datetime) -> str:
        return format_time(time, "short", locale=self.locale)

    def _relative(self, time: datetime) -> str:
        passed = time - self._now()
        if abs(passed) >= RELATIVE:
            return self.day(time)
        if abs(passed) < timedelta(minutes=1):
            return translator(self.locale)(_("just now"))
        return format_timedelta(passed, granularity="minute", threshold=1, add_direction=True, locale=self.locale)

    def _short(self, time: datetime) -> str:
        return self._time(time) if time.date() == self._now().date() else self.day(time)

    def _long(self, time: datetime) -> str:
        weekday = format_skeleton("MMMEd", time, locale=self.locale)
        return self._joined(weekday, self._time(time))

    def _joined(self, day: str, time: str) -> str:
        pattern = str(Locale.parse(self.locale).datetime_formats["medium"])
        return pattern.replace("'", "").format(time, day)


clock: ContextVar[Clock] = ContextVar("clock", default=Clock())  # noqa: B039 - it is immutable
"""Of the teammate who makes the request."""


def set_clock(request: web.Request, teammate: Teammate, locale: str) -> None:
    """Called once access is granted."""
    name = known_zone(teammate.time_zone) or known_zone(request.cookies.get(COOKIE))
    clock.set(Clock(locale, ZoneInfo(name) if name else UTC))


def time_shown(at: datetime | str, style: Style = "relative") -> ShownTime:
    """For the current reader."""
    return clock.get().show(at, style)


def day(at: datetime) -> str:
    """`Nov 23`, for the current reader."""
    return clock.get().day(at)


def time_zone() -> str:
    """Of the current reader, as an IANA name; empty if it is not known."""
    zone = clock.get().zone
    return zone.key if isinstance(zone, ZoneInfo) else ""


@lru_cache(maxsize=1024)
def known_zone(name: str | None) -> str | None:
    """The time zone if it exists (IANA)."""
    try:
        return ZoneInfo(name).key if name else None
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return None
