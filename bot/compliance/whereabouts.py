"""Where a person may be, by their number and their profile: places with rules, and time zones.

Numbers move with people, and profiles grow old, so every source counts: a text may leave when it may leave by all of
them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import phonenumbers
from phonenumbers.timezone import time_zones_for_number
from phonenumbers.tzdata import TIMEZONE_DATA

from bot.compliance.texting_rules import US
from bot.model.us_area_codes import STATE_OF, STATES

UNKNOWN_ZONE = "Etc/Unknown"
AREA_CODE = 4
"""Digits of a North American prefix that names an area code and no exchange: `1850`."""
NORTH_AMERICAN = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}")
US_TERRITORIES = frozenset({"PR", "VI", "GU", "AS", "MP"})
US_ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
    "America/Anchorage", "Pacific/Honolulu",
)  # fmt: skip
"""For a number of the United States that tells nothing else."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    country: str
    """ISO 3166-1; empty if the number tells none."""
    places: frozenset[str]
    """Countries and states whose rules apply."""
    zones: tuple[str, ...]
    """All time zones in which it must be a permitted time; empty: nobody knows."""
    source: str
    """Of the zones: `number`, `profile`, `number and profile`, `country` or `unknown`."""


@lru_cache(maxsize=4096)
def whereabouts(number: str, profile_zone: str | None = None) -> Whereabouts:
    """`number`: E.164. `profile_zone`: the contact's own time zone, if it is known."""
    state = STATE_OF.get(number[2:5], "") if NORTH_AMERICAN.fullmatch(number) else ""
    if state:  # parsing takes longer than all the rest
        return _combined(US, state, _zones_of_exchange(number[1:]), profile_zone or "")
    country = phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    return _combined(country, "", zones_of_number(number), profile_zone or "")


@lru_cache(maxsize=4096)
def _combined(country: str, state: str, own: tuple[str, ...], profile_zone: str) -> Whereabouts:
    """Numbers of one area share it."""
    profile = (profile_zone,) if profile_zone and _is_zone(profile_zone) else ()
    places = _places(country, state)
    if not own and country == US:
        own, named = US_ZONES, "country"
    else:
        named = "number"
    strangers = [zone for zone in profile if not _is_covered(zone, own)]
    if country == US and own:
        places |= {f"{US}-{state}" for zone in strangers for state in _states_in(zone)}
    zones = tuple(dict.fromkeys((*own, *profile)))
    sources = [*([named] if own else []), *(["profile"] if profile else [])]
    return Whereabouts(country, places, zones, " and ".join(sources) or "unknown")


def zones_of_number(number: str) -> tuple[str, ...]:
    """The zones that the number can be in; empty: unknown.

    `phonenumbers` names one zone for exchanges that it doesn't list, also in the twelve area codes that two zones
    share: +1 850 777 would be New York, though Pensacola is 850 too. There, all zones of the area code count.
    """
    found = tuple(zone for zone in time_zones_for_number(phonenumbers.parse(number)) if zone != UNKNOWN_ZONE)
    return _zones_of_exchange(number[1:]) if found and number.startswith("+1") else found


def _zones_of_exchange(digits: str) -> tuple[str, ...]:
    """Of a North American number; all of its area code if its exchange isn't listed."""
    listed = (digits[:length] for length in range(len(digits), AREA_CODE, -1))
    if prefix := next((prefix for prefix in listed if prefix in TIMEZONE_DATA), None):
        return tuple(zone for zone in TIMEZONE_DATA[prefix] if zone != UNKNOWN_ZONE)
    return tuple(sorted(_zones_of_area_code(digits[:AREA_CODE])))


@cache
def _zones_of_area_code(prefix: str) -> frozenset[str]:
    zones = (zone for key, zones in TIMEZONE_DATA.items() if str(key).startswith(prefix) for zone in zones)
    return frozenset(zones) - {UNKNOWN_ZONE}


def _places(country: str, state: str) -> frozenset[str]:
    """The rules that the number itself brings: of an unknown state, those of all states."""
    if country in US_TERRITORIES:
        return frozenset({US})
    if country != US:
        return frozenset({country})
    return frozenset({US, *(f"{US}-{one}" for one in ([state] if state else STATES))})


def _is_covered(zone: str, own: tuple[str, ...]) -> bool:
    """Whether the clocks of the zone are those of one of the number's zones, all year."""
    return any(_clock(zone) == _clock(other) for other in own)


@cache
def _clock(zone: str) -> tuple[object, ...]:
    known = ZoneInfo(zone)
    return tuple(datetime(2026, month, 15, tzinfo=UTC).astimezone(known).utcoffset() for month in range(1, 13))


@cache
def _states_in(zone: str) -> frozenset[str]:
    """States of the United States where clocks show the time of this zone."""
    return frozenset(
        state
        for code, state in STATE_OF.items()
        if any(_clock(zone) == _clock(own) for own in _zones_of_area_code(f"1{code}"))
    )


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    if name not in available_timezones() or name.startswith("Etc/"):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True
