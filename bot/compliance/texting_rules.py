"""When marketing texts may be sent, and how many: the table, as dated data.

Each row has its source. Rows of one place all apply at once, those of a state beside those of its country. Change a row
by ending it (`until`) and adding its successor, then give the table a new `VERSION`: each text stores the version that
allowed it. Counsel must confirm the rows before anyone relies on them, those with `doubts` first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

VERSION = "2026-11-30"
"""Of the whole table."""

US, ELSEWHERE = "US", "*"
"""`where` is a country (ISO 3166-1), a state of the United States (`US-FL`), or `*`: every country without a row."""

Minutes = tuple[int, int]
"""From and until, in minutes of the day; until is not included."""
Days = tuple[Minutes | None, Minutes | None, Minutes | None]
"""Monday to Friday, Saturday, Sunday; None: not on these days."""


class Unless(StrEnum):
    """Conditions under which a row does not apply."""

    REPLY = "reply_to_inbound"
    """It answers a text of theirs."""
    PURCHASE = "ebr_18m"
    """They bought something in the last 18 months (established business relationship)."""


class Doubt(StrEnum):
    """Why counsel should look at a row before anyone relies on it."""

    PRACTICE = "practice"
    """A common practice: no law gives these hours."""
    CALLS = "calls"
    """Written for phone calls."""
    DEVICES = "devices"
    """Written for automated dialing devices."""
    ABROAD = "abroad"
    """A rule from outside the United States."""
    UNDATED = "undated"
    """Its effective date is unknown, so it always applies."""


PRACTICE = frozenset({Doubt.PRACTICE})
UNDATED = frozenset({Doubt.UNDATED})
DEVICES = frozenset({Doubt.DEVICES, Doubt.UNDATED})
CALLS_ABROAD = frozenset({Doubt.CALLS, Doubt.ABROAD, Doubt.UNDATED})


@dataclass(frozen=True, slots=True)
class Hours:
    """Local times at which marketing texts may reach a person."""

    id: str
    where: str
    days: Days
    source: str
    on_holidays: bool = True
    """Whether public holidays of the state are like other days; otherwise no texts are sent on them."""
    since: date | None = None
    """None: it always applied, as far as we know."""
    until: date | None = None
    """The first day without it."""
    unless: frozenset[Unless] = frozenset()
    doubts: frozenset[Doubt] = frozenset()


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `most` marketing texts to one person within `hours`."""

    id: str
    where: str
    most: int
    hours: int
    source: str
    since: date | None = None
    until: date | None = None
    unless: frozenset[Unless] = frozenset()
    doubts: frozenset[Doubt] = frozenset()


def between(start: float, end: float) -> Minutes:
    """In hours: `between(9, 21.5)` is 9:00 to 21:30."""
    return round(start * 60), round(end * 60)


def _daily(start: float, end: float) -> Days:
    return (between(start, end),) * 3


def _no_sunday(start: float, end: float) -> Days:
    return between(start, end), between(start, end), None


def _state(
    state: str,
    days: Days,
    source: str,
    *,
    on_holidays: bool = True,
    since: date | None = None,
    unless: frozenset[Unless] = frozenset(),
    doubts: frozenset[Doubt] = frozenset(),
) -> Hours:
    id, where = f"us-{state.lower()}", f"US-{state}"
    return Hours(id, where, days, source, on_holidays=on_holidays, since=since, unless=unless, doubts=doubts)


HOURS: tuple[Hours, ...] = (
    Hours("us-federal", US, _daily(8, 21), "47 CFR 64.1200(c)(1), (e)", doubts=UNDATED),
    _state("AL", _no_sunday(8, 20), "Ala. Admin. Code 770-X-5-.17", on_holidays=False, doubts=UNDATED),
    _state("CT", _daily(9, 20), "Conn. Gen. Stat. 42-288a", since=date(2023, 10, 1)),
    _state("FL", _daily(8, 20), "Fla. Stat. 501.616(6)", since=date(2021, 7, 1)),
    _state("IN", _daily(9, 20), "Ind. Code 24-5-14-8 (automated devices)", doubts=DEVICES),
    _state("KY", _daily(10, 21), "KRS 367.46955(16)", doubts=UNDATED),
    _state("LA", _no_sunday(8, 20), "LPSC Do Not Call General Order", on_holidays=False, doubts=UNDATED),
    _state("MA", _daily(8, 20), "201 CMR 12.02(2)", doubts=UNDATED),
    _state("MD", _daily(8, 20), "Md. Code, Com. Law 14-4502", since=date(2024, 1, 1)),
    _state("ME", (between(9, 17), None, None), "10 M.R.S. 1498(3) (automated devices)", doubts=DEVICES),
    _state("MS", _no_sunday(8, 20), "Miss. Code 77-3-603", doubts=UNDATED),
    _state("NM", _daily(9, 21), "N.M. Stat. 57-12-22(B)(5)", doubts=UNDATED),
    _state("NV", _daily(9, 20), "NRS 598.0918(3)", doubts=UNDATED),
    _state("OK", _daily(8, 20), "15 O.S. 775C.4(A)", since=date(2022, 11, 1)),
    _state(
        "OR", _daily(8, 20), "Oregon HB 3865 (2025)", since=date(2026, 1, 1), unless=frozenset({Unless.REPLY})
    ),
    _state(
        "RI", (between(9, 18), between(10, 17), None), "R.I. Gen. Laws 5-61-3.6", on_holidays=False, doubts=UNDATED
    ),
    _state("SD", _no_sunday(9, 21), "SDCL 37-30A-3(2)", doubts=UNDATED),
    _state("TX", (between(9, 21), between(9, 21), between(12, 21)), "Tex. Bus. & Com. Code 301.051", doubts=UNDATED),
    _state("WA", _daily(8, 20), "RCW 80.36.390(8)", doubts=UNDATED),
    _state("WY", _daily(8, 20), "Wyo. Stat. 40-12-302(d)", doubts=UNDATED),
    Hours(
        "ca", "CA", (between(9, 21.5), between(10, 18), between(10, 18)),
        "CRTC Unsolicited Telecommunications Rules, Part III (written for calls)", doubts=CALLS_ABROAD,
    ),
    Hours("gb", "GB", _daily(8, 21), "industry practice", doubts=PRACTICE),
    Hours("ie", "IE", _daily(8, 21), "industry practice", doubts=PRACTICE),
    Hours("fr", "FR", _no_sunday(8, 20), "industry practice", on_holidays=False, doubts=PRACTICE),
    Hours("de", "DE", _no_sunday(8, 20), "industry practice", on_holidays=False, doubts=PRACTICE),
    Hours("es", "ES", _no_sunday(9, 21), "industry practice", on_holidays=False, doubts=PRACTICE),
    Hours(
        "au", "AU", (between(9, 20), between(9, 17), None),
        "Telemarketing and Research Calls Industry Standard 2017 (written for calls)", on_holidays=False,
        doubts=CALLS_ABROAD,
    ),
    Hours(
        "in", "IN", _daily(10, 21), "TRAI TCCCPR 2018, promotional messages",
        doubts=frozenset({Doubt.ABROAD, Doubt.UNDATED}),
    ),
    Hours("elsewhere", ELSEWHERE, _no_sunday(9, 20), "the strictest of the common practices", doubts=PRACTICE),
)  # fmt: skip

CAPS: tuple[Cap, ...] = (
    Cap("us-fl-cap", "US-FL", 3, 24, "Fla. Stat. 501.616(6)(b)", since=date(2021, 7, 1)),
    Cap("us-md-cap", "US-MD", 3, 24, "Md. Code, Com. Law 14-4502(c)", since=date(2024, 1, 1)),
    Cap("us-me-cap", "US-ME", 1, 8, "10 M.R.S. 1498(3) (automated devices)", doubts=DEVICES),
    Cap("us-ok-cap", "US-OK", 3, 24, "15 O.S. 775C.4(A)", since=date(2022, 11, 1)),
    Cap(
        "us-or-cap", "US-OR", 3, 24, "Oregon HB 3865 (2025)", since=date(2026, 1, 1),
        unless=frozenset({Unless.PURCHASE, Unless.REPLY}),
    ),
    Cap("own-cap", ELSEWHERE, 3, 24, "our own limit, in every country"),
)  # fmt: skip


CLOSED = frozenset({"IN"})
"""Countries that get no marketing texts unless a consent is registered there (India: Digital Consent Acquisition)."""


def hours_in(places: Iterable[str], day: date, conditions: frozenset[Unless] = frozenset()) -> list[Hours]:
    """The rows of hours for these places on this day; `*` where a country has none."""
    found = [row for row in HOURS if row.where in {*places} and _applies(row, day, conditions)]
    return found or [row for row in HOURS if row.where == ELSEWHERE]


def caps_in(places: Iterable[str], day: date, conditions: frozenset[Unless] = frozenset()) -> list[Cap]:
    """The caps for these places on this day, and our own."""
    return [row for row in CAPS if row.where in {*places, ELSEWHERE} and _applies(row, day, conditions)]


def _applies(row: Hours | Cap, day: date, conditions: frozenset[Unless]) -> bool:
    is_in_force = (row.since is None or row.since <= day) and (row.until is None or day < row.until)
    return is_in_force and not row.unless & conditions


def places_of(rows: Sequence[Hours | Cap] = (*HOURS, *CAPS)) -> frozenset[str]:
    """All places that have rows."""
    return frozenset(row.where for row in rows)
