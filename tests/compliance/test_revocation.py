"""Revocation policies: pure, with a fixed clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.compliance.revocation import POLICIES, RevocationScope, business_days_left, due_at, policy_at

WAIVER_ENDS = datetime(2027, 1, 31, 5, tzinfo=UTC)
"""Midnight in Washington."""


def test_revoke_all_is_required_from_the_second_the_waiver_ends() -> None:
    before, after = policy_at(WAIVER_ENDS - timedelta(seconds=1)), policy_at(WAIVER_ENDS)
    assert (before.version, before.must_end) == ("us-2025-04-11", RevocationScope.CATEGORY)
    assert (after.version, after.must_end) == ("us-2027-01-31", RevocationScope.EVERYTHING)
    assert policy_at(WAIVER_ENDS + timedelta(seconds=1)) is after


def test_older_revocations_are_judged_by_the_first_policy() -> None:
    assert policy_at(datetime(2020, 1, 1, tzinfo=UTC)) is POLICIES[0]


def test_policies_are_in_order_and_their_versions_unique() -> None:
    assert [*POLICIES] == sorted(POLICIES, key=lambda policy: policy.effective_from)
    assert len({policy.version for policy in POLICIES}) == len(POLICIES)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        # Thanksgiving (26 Nov) and two weekends in between
        ("2026-11-20T15:00+00:00", "2026-12-07T15:00+00:00"),
        ("2026-11-30T15:00+00:00", "2026-12-14T15:00+00:00"),
        # Saturday: the first business day is Monday
        ("2026-12-05T15:00+00:00", "2026-12-18T15:00+00:00"),
        # Christmas, New Year's Day
        ("2026-12-21T15:00+00:00", "2027-01-06T15:00+00:00"),
        # Saturday in UTC, Friday evening in Washington
        ("2026-12-05T03:00+00:00", "2026-12-19T03:00+00:00"),
        # clocks change on 14 Mar 2027: the same time of day in Washington
        ("2027-03-08T15:00+00:00", "2027-03-22T14:00+00:00"),
    ],
)
def test_weekends_and_federal_holidays_are_no_business_days(received: str, due: str) -> None:
    assert due_at(datetime.fromisoformat(received)) == datetime.fromisoformat(due)


@pytest.mark.parametrize(
    ("at", "left"),
    [
        ("2026-11-20T15:00+00:00", 10),
        ("2026-11-25T15:00+00:00", 7),
        ("2026-11-26T15:00+00:00", 7),  # Thanksgiving
        ("2026-12-04T15:00+00:00", 1),
        ("2026-12-06T15:00+00:00", 1),
        ("2026-12-07T14:59+00:00", 0),
        ("2026-12-07T15:00+00:00", None),
    ],
)
def test_the_days_left_are_business_days(at: str, left: int | None) -> None:
    assert (
        business_days_left(due_at(datetime.fromisoformat("2026-11-20T15:00+00:00")), datetime.fromisoformat(at)) == left
    )
