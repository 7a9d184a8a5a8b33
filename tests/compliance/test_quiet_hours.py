"""Quiet hours and caps at every edge: pure, with a fixed clock."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.compliance.quiet_hours import TimeCheck, check_caps, check_time
from bot.compliance.texting_rules import CAPS, CLOSED, HOURS, VERSION, Cap, Hours, Unless, caps_in, hours_in
from bot.compliance.whereabouts import US_ZONES, Whereabouts, whereabouts, zones_of_number
from bot.model.us_area_codes import STATE_OF, STATES

LAW = """
AL 08-20 no Sun/hol | CT 09-20 | FL 08-20 | KY 10-21 | LA 08-20 no Sun/hol | MD 08-20 | MA 08-20 | MS 08-20 no Sun
NV 09-20 | NM 09-21 | OK 08-20 | RI 09-18, Sat 10-17, no Sun/hol | SD 09-21 no Sun | TX 09-21, Sun 12-21 | WA 08-20
WY 08-20 | IN 09-20 | ME 09-17 no Sat no Sun | OR 08-20
"""
"""As the research compiled it, typed a second time."""
SPLIT = ("219", "270", "308", "423", "541", "574", "606", "620", "785", "812", "850", "906")
WEDNESDAY, SATURDAY, SUNDAY = date(2026, 12, 2), date(2026, 12, 5), date(2026, 12, 6)
CHRISTMAS = date(2026, 12, 25)
FIRST = date(2026, 11, 30)


def _expected(state: str) -> dict[date, tuple[int, int] | None]:
    """Hours on a Wednesday, a Saturday and a Sunday, within the federal ones."""
    law = next((one.strip() for one in LAW.replace("\n", "|").split("|") if one.strip().startswith(state)), "")
    said = law[3:8] or "08-21"
    start, end = int(said[:2]), int(said[3:5])
    usual = (max(start, 8), min(end, 21))
    days: dict[date, tuple[int, int] | None] = dict.fromkeys((WEDNESDAY, SATURDAY, SUNDAY), usual)
    if "Sat 10-17" in law:
        days[SATURDAY] = (10, 17)
    if "Sun 12-21" in law:
        days[SUNDAY] = (12, 21)
    if "no Sat" in law:
        days[SATURDAY] = None
    if "no Sun" in law:
        days[SUNDAY] = None
    return days


def _number_in(state: str) -> str:
    """A number there, in a single time zone where the state has an area code with one."""
    numbers = [f"+1{code}5550123" for code, its in STATE_OF.items() if its == state]
    return min(numbers, key=lambda number: len(zones_of_number(number)))


def _at(zone: str, day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _check(number: str, at: datetime, profile: str | None = None, *conditions: Unless) -> TimeCheck:
    return check_time(whereabouts(number, profile), at, frozenset(conditions))


class TestStates:
    @pytest.mark.parametrize("day", [WEDNESDAY, SATURDAY, SUNDAY], ids=["weekday", "saturday", "sunday"])
    @pytest.mark.parametrize("state", STATES)
    def test_a_second_before_and_after_each_edge(self, state: str, day: date) -> None:
        number, window = _number_in(state), _expected(state)[day]
        zones = zones_of_number(number)
        if window is None:
            assert not any(_check(number, _at(zones[0], day, hour)).allowed for hour in range(24))
            return
        opens = max(_at(zone, day, window[0]) for zone in zones)
        closes = min(_at(zone, day, window[1]) for zone in zones)
        second = timedelta(seconds=1)
        said = [_check(number, at).allowed for at in (opens - second, opens, closes - second, closes)]
        assert said == [False, True, True, False]
        assert _check(number, opens - second).earliest == opens
        assert _check(number, opens).quiet_from == closes
        assert _check(number, closes - second).validity(closes - second) == 1

    def test_the_row_that_forbids_it_is_named(self) -> None:
        florida = _number_in("FL")
        early, evening = _at("America/New_York", WEDNESDAY, 7), _at("America/New_York", WEDNESDAY, 20, 30)
        assert _check(florida, early).rule == "us-federal"
        assert _check(florida, evening).rule == "us-fl"
        assert _check(florida, evening).version == VERSION
        assert _check(florida, evening).earliest == _at("America/New_York", WEDNESDAY + timedelta(days=1), 8)

    def test_no_texts_on_holidays_where_the_state_says_so(self) -> None:
        alabama, georgia = _number_in("AL"), _number_in("GA")
        assert not _check(alabama, _at("America/Chicago", CHRISTMAS, 12)).allowed
        assert _check(alabama, _at("America/Chicago", CHRISTMAS, 12)).earliest == _at(
            "America/Chicago", CHRISTMAS + timedelta(days=1), 8
        )
        assert _check(georgia, _at("America/New_York", CHRISTMAS, 12)).allowed

    def test_oregon_since_2026_and_not_for_a_reply(self) -> None:
        oregon, evening = "+15035550123", (20, 30)
        zone = "America/Los_Angeles"
        assert _check(oregon, _at(zone, date(2025, 12, 31), *evening)).allowed
        assert not _check(oregon, _at(zone, date(2026, 1, 1), *evening)).allowed
        assert _check(oregon, _at(zone, date(2026, 1, 1), *evening), None, Unless.REPLY).allowed


class TestClocks:
    @pytest.mark.parametrize(
        ("day", "opens"),
        [
            (date(2026, 3, 7), "2026-03-07T13:00+00:00"),
            (date(2026, 3, 8), "2026-03-08T12:00+00:00"),  # clocks go forward that night
            (date(2026, 10, 31), "2026-10-31T12:00+00:00"),
            (date(2026, 11, 1), "2026-11-01T13:00+00:00"),  # and back
        ],
    )
    def test_daylight_saving(self, day: date, opens: str) -> None:
        night = _at("America/New_York", day, 0, 30)
        assert _check("+12015550123", night).earliest == datetime.fromisoformat(opens)

    def test_arizona_keeps_its_clocks(self) -> None:
        for day in (date(2026, 1, 15), date(2026, 7, 15)):
            assert _check("+14805550123", datetime(day.year, day.month, day.day, 15, tzinfo=UTC)).allowed
            assert not _check("+14805550123", datetime(day.year, day.month, day.day, 14, 59, tzinfo=UTC)).allowed

    @pytest.mark.parametrize("number", ["+19075550123", "+18085550123"])
    def test_alaska_and_hawaii(self, number: str) -> None:
        assert _check(number, _at("Pacific/Honolulu", WEDNESDAY, 12)).allowed
        assert not _check(number, _at("America/New_York", WEDNESDAY, 9)).allowed


class TestSplitAreaCodes:
    """`phonenumbers` names one zone for exchanges that it does not list."""

    @pytest.mark.parametrize("code", SPLIT)
    def test_an_unlisted_exchange_can_be_in_either_zone(self, code: str) -> None:
        assert len(zones_of_number(f"+1{code}7770123")) == 2

    def test_pensacola_is_not_texted_at_seven(self) -> None:
        unlisted, listed = "+18507770123", "+18504320123"
        seven_there = _at("America/New_York", WEDNESDAY, 8)
        assert not _check(unlisted, seven_there).allowed
        assert _check(unlisted, seven_there).earliest == _at("America/Chicago", WEDNESDAY, 8)
        assert _check(unlisted, _at("America/Chicago", WEDNESDAY, 8)).quiet_from == _at(
            "America/New_York", WEDNESDAY, 20
        )
        assert zones_of_number(listed) == ("America/Chicago",)


class TestSources:
    def test_number_and_profile_must_both_allow_it(self) -> None:
        new_jersey, profile = "+12015550123", "America/Los_Angeles"
        morning = _at("America/New_York", WEDNESDAY, 8)
        assert _check(new_jersey, morning).allowed
        check = _check(new_jersey, morning, profile)
        assert not check.allowed
        assert check.zone_source == "number and profile"
        assert check.local_times == ("2026-12-02T08:00:00-05:00", "2026-12-02T05:00:00-08:00")
        nine_there = _at(profile, WEDNESDAY, 9)
        assert check.earliest == nine_there, "Nevada's hours: they may live there"
        assert _check(new_jersey, nine_there, profile).quiet_from == _at("America/New_York", WEDNESDAY, 20)

    def test_a_profile_with_the_same_clock_adds_nothing(self) -> None:
        assert whereabouts("+12015550123", "America/Detroit").places == whereabouts("+12015550123").places

    @pytest.mark.parametrize("zone", ["", "Mars/Base", "Etc/Unknown", "Etc/UTC", "../secret"])
    def test_a_profile_that_names_no_place_is_no_source(self, zone: str) -> None:
        assert whereabouts("+12015550123", zone).source == "number"

    def test_nobody_knows_so_nothing_is_sent(self) -> None:
        check = _check("+12425551234", _at("America/New_York", WEDNESDAY, 12))
        assert (check.allowed, check.earliest, check.rule) == (False, None, "unknown-time-zone")
        assert _check("+12425551234", _at("America/New_York", WEDNESDAY, 12), "America/Nassau").allowed

    def test_an_unknown_state_gets_the_strictest_hours(self) -> None:
        where = Whereabouts("US", frozenset({"US", *(f"US-{state}" for state in STATES)}), US_ZONES[:1], "number")
        noon, evening = _at("America/New_York", WEDNESDAY, 12), _at("America/New_York", WEDNESDAY, 17)
        assert check_time(where, noon).allowed
        assert check_time(where, noon).quiet_from == evening
        assert not check_time(where, _at("America/New_York", SATURDAY, 12)).allowed

    def test_every_area_code_has_a_zone_and_a_state(self) -> None:
        for code, state in STATE_OF.items():
            where = whereabouts(f"+1{code}5550123")
            if where.country == "US":
                assert where.zones
                assert f"US-{state}" in where.places


class TestOtherCountries:
    @pytest.mark.parametrize(
        ("number", "zone", "day", "opens", "closes"),
        [
            ("+447400123456", "Europe/London", SUNDAY, (8, 0), (21, 0)),
            ("+33612345678", "Europe/Paris", WEDNESDAY, (8, 0), (20, 0)),
            ("+4915112345678", "Europe/Berlin", SATURDAY, (8, 0), (20, 0)),
            ("+14165550123", "America/Toronto", WEDNESDAY, (9, 0), (21, 30)),
            ("+14165550123", "America/Toronto", SUNDAY, (10, 0), (18, 0)),
            ("+819012345678", "Asia/Tokyo", WEDNESDAY, (9, 0), (20, 0)),
        ],
    )
    def test_their_own_hours(
        self, number: str, zone: str, day: date, opens: tuple[int, int], closes: tuple[int, int]
    ) -> None:
        second = timedelta(seconds=1)
        edges = (_at(zone, day, *opens), _at(zone, day, *closes))
        times = (edges[0] - second, edges[0], edges[1] - second, edges[1])
        assert [_check(number, at).allowed for at in times] == [False, True, True, False]

    @pytest.mark.parametrize("number", ["+33612345678", "+4915112345678", "+819012345678"])
    def test_no_sundays(self, number: str) -> None:
        (zone,) = zones_of_number(number)
        assert not any(_check(number, _at(zone, SUNDAY, hour)).allowed for hour in range(24))

    def test_a_country_with_several_zones_needs_all_of_them(self) -> None:
        nine_in_sydney = _at("Australia/Sydney", WEDNESDAY, 9)
        assert not _check("+61412345678", nine_in_sydney).allowed, "six in Perth"
        assert (_check("+61412345678", nine_in_sydney).earliest or nine_in_sydney) > nine_in_sydney


class TestCaps:
    def _sent(self, at: datetime, *hours: float) -> list[datetime]:
        return [at - timedelta(hours=one) for one in hours]

    def test_the_fourth_text_in_a_day_waits_for_the_first_to_be_a_day_old(self) -> None:
        at = _at("America/New_York", WEDNESDAY, 12)
        where = whereabouts(_number_in("FL"))
        assert check_caps(where, self._sent(at, 1, 2), at) is None
        found = check_caps(where, self._sent(at, 1, 2, 23), at)
        assert found
        assert found[0].id == "us-fl-cap"
        assert found[1] == at + timedelta(hours=1)
        assert check_caps(where, self._sent(at, 1, 2, 24), at) is None

    def test_maine_allows_one_in_eight_hours(self) -> None:
        at = _at("America/New_York", WEDNESDAY, 12)
        found = check_caps(whereabouts(_number_in("ME")), self._sent(at, 7.5), at)
        assert found
        assert (found[0].id, found[1]) == ("us-me-cap", at + timedelta(minutes=30))

    def test_an_established_relationship_lifts_oregons_and_our_own_remains(self) -> None:
        at = _at("America/Los_Angeles", WEDNESDAY, 12)
        oregon = whereabouts("+15035550123")
        rows = caps_in(oregon.places, at.date(), frozenset({Unless.PURCHASE}))
        assert [row.id for row in rows] == ["own-cap"]

    def test_our_own_cap_applies_everywhere(self) -> None:
        at = _at("Asia/Tokyo", WEDNESDAY, 12)
        found = check_caps(whereabouts("+819012345678"), self._sent(at, 1, 2, 3), at)
        assert found
        assert found[0].id == "own-cap"


NUMBERS = [_number_in(state) for state in STATES]
NUMBERS += ["+18507770123", "+14165550123", "+447400123456", "+61412345678", "+33612345678", "+17875550123"]
ZONES = [None, "America/New_York", "America/Los_Angeles", "Europe/Berlin", "Pacific/Auckland"]


@given(st.sampled_from(NUMBERS), st.sampled_from(ZONES), st.integers(0, 60 * 24 * 400))
def test_the_earliest_time_is_allowed_and_nothing_before_it_is(number: str, zone: str | None, minute: int) -> None:
    where, at = whereabouts(number, zone), datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minute)
    check = check_time(where, at)
    assert check.allowed == (check.earliest == at) == (not check.rule)
    if check.earliest:
        assert check_time(where, check.earliest).allowed
        before = check.earliest - timedelta(seconds=1)
        assert check.allowed or not check_time(where, before).allowed
    if check.quiet_from:
        assert not check_time(where, check.quiet_from).allowed
        assert check_time(where, check.quiet_from - timedelta(seconds=1)).allowed


class TestTable:
    def test_ids_are_unique_and_windows_are_windows(self) -> None:
        rows: list[Hours | Cap] = [*HOURS, *CAPS]
        ids = [row.id for row in rows]
        assert len(ids) == len(set(ids))
        for row in HOURS:
            assert all(0 <= w[0] < w[1] <= 24 * 60 for w in row.days if w)

    def test_each_state_of_the_research_has_its_row(self) -> None:
        named = {one.strip()[:2] for one in LAW.replace("\n", "|").split("|") if one.strip()}
        assert named == {row.where[3:] for row in HOURS if row.where.startswith("US-")}

    def test_a_country_without_a_row_gets_the_strict_one(self) -> None:
        assert [row.id for row in hours_in({"BR"}, FIRST)] == ["elsewhere"]

    def test_a_change_of_the_rows_needs_a_new_version(self) -> None:
        """When this fails: give the table a new VERSION, and note the fingerprint here."""
        rows: list[Hours | Cap] = [*HOURS, *CAPS]
        bare = [replace(row, unless=frozenset(), doubts=frozenset()) for row in rows]
        conditions = [sorted(row.unless) for row in rows]
        fingerprint = hashlib.sha256(repr((bare, conditions, sorted(CLOSED))).encode()).hexdigest()[:12]
        assert {VERSION: fingerprint} == {"2026-11-30": "3100687b704f"}
