"""Office hours: when the business answers, with holidays. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Self
from zoneinfo import ZoneInfo, available_timezones

from holidays import HolidayBase, country_holidays, list_supported_countries
from pydantic import ConfigDict, Field, field_validator, model_validator

from bot.errors import marked as _
from bot.model.base import Value

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
AHEAD = 60
"""Days that are searched for the next opening."""


class OpenTime(Value):
    """From `opens` until before `closes`, which may be 24:00 as `00:00`."""

    model_config = ConfigDict(extra="forbid")

    opens: time
    closes: time

    @model_validator(mode="after")
    def _closes_later(self) -> Self:
        if self.closes != time(0) and self.closes <= self.opens:
            raise ValueError(_("Choose a closing time after the opening time."))
        return self

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        last = day + timedelta(days=1) if self.closes == time(0) else day
        return datetime.combine(day, self.opens, zone), datetime.combine(last, self.closes, zone)


class OfficeHours(Value):
    """The weekly hours in a time zone. Closed on the public holidays of `holidays` (a country code) and on `closed`."""

    model_config = ConfigDict(extra="forbid")

    time_zone: str
    days: dict[Annotated[str, Field(pattern=f"^({'|'.join(DAYS)})$")], tuple[OpenTime, ...]] = Field(min_length=1)
    holidays: str = Field(default="", max_length=2)
    closed: tuple[date, ...] = Field(default=(), max_length=100)

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(_("Unknown time zone. Use one like America/New_York."))
        return value

    @field_validator("holidays")
    @classmethod
    def _is_country(cls, value: str) -> str:
        if value and value not in list_supported_countries():
            raise ValueError(_("No holidays available for this country. Use a country code like US."))
        return value

    @model_validator(mode="after")
    def _opens_at_all(self) -> Self:
        if not any(self.days.values()):
            raise ValueError(_("Add opening hours on at least one day."))
        return self

    def is_open(self, at: datetime) -> bool:
        return any(opens <= at < closes for opens, closes in self._around(at, days=2))

    def next_opening(self, at: datetime) -> datetime:
        """The first open moment from `at` on; `at` itself if it is open. UTC."""
        for opens, closes in self._around(at, days=AHEAD):
            if at < closes:
                return max(at, opens.astimezone(UTC))
        return at + timedelta(days=AHEAD)

    def _around(self, at: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
        """Opening times from the day before `at`, in order."""
        zone = ZoneInfo(self.time_zone)
        first = at.astimezone(zone).date() - timedelta(days=1)
        for day in (first + timedelta(days=n) for n in range(days + 1)):
            if not self._is_closed(day):
                times = self.days.get(DAYS[day.weekday()], ())
                yield from sorted(hours.on(day, zone) for hours in times)

    def _is_closed(self, day: date) -> bool:
        return day in self.closed or (bool(self.holidays) and day in _holidays(self.holidays))


@lru_cache(maxsize=16)
def _holidays(country: str) -> HolidayBase:
    return country_holidays(country)
