"""Cursors survive the trip through an address, and refuse what they did not write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Invalid
from bot.model.paging import LARGEST, Cursor, Page
from bot.store.paging import following

TIME = datetime(2026, 11, 29, 9, 41, 0, 125000, tzinfo=UTC)
times = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)).map(  # noqa: DTZ001 (UTC is added)
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000, tzinfo=UTC)
)


@given(st.integers(0, LARGEST), times, st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_a_cursor_is_read_as_it_was_written(number: int, time: datetime, text: str) -> None:
    cursor = Cursor((number, time, text))
    assert Cursor.parse(str(cursor), int, datetime, str) == cursor


def test_the_cursor_of_a_sequence_is_its_number() -> None:
    assert str(Cursor((17,))) == "17"


def test_no_cursor_begins_the_list() -> None:
    assert Cursor.parse("", int) is None


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "1,2", "٣", str(LARGEST + 1), "9" * 30, "1" * 500, " 1", "\x00"])
def test_an_unreadable_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Cursor.parse(text, int)


@pytest.mark.parametrize("text", ["2026-11-29,a", "2026-11-29T09:41:00,a", "9999-12-31T23:59:59-23:59,a", "%ff,a", "a"])
def test_an_unreadable_time_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Cursor.parse(text, datetime, str)


def test_an_undecodable_text_is_refused() -> None:
    with pytest.raises(Invalid):
        Cursor.parse("%ff", str)


def test_a_page_with_more_behind_it_has_a_cursor() -> None:
    assert Page.cut([3, 2, 1], 2, lambda n: (n,)) == Page([3, 2], Cursor((2,)))
    assert Page.cut([3, 2], 2, lambda n: (n,)) == Page([3, 2], None)
    assert Page.cut([], 2, lambda n: (n,)) == Page([], None)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 30)), unique=True), st.integers(1, 4))
def test_pages_show_every_item_once(rows: list[tuple[int, int, int]], size: int) -> None:
    """Whatever the ties: `following` is asked here as the database would answer it."""
    order = [("a", 1), ("b", -1), ("c", 1)]
    ordered = sorted(rows, key=lambda row: (row[0], -row[1], row[2]))
    shown: list[tuple[int, int, int]] = []
    cursor: Cursor | None = None
    while True:
        match = following(order, cursor)
        found = [row for row in ordered if _matches(dict(zip("abc", row, strict=True)), match)]
        page = Page.cut(found[: size + 1], size, lambda row: row)
        shown += page.items
        cursor = page.next
        if cursor is None:
            break
    assert shown == ordered


def _matches(document: dict[str, int], match: dict[str, object]) -> bool:
    compare = {
        "$gt": int.__gt__, "$lt": int.__lt__, "$gte": int.__ge__, "$lte": int.__le__,
    }  # fmt: skip
    for field, wanted in match.items():
        if field == "$or":
            assert isinstance(wanted, list)
            if not any(_matches(document, alternative) for alternative in wanted):
                return False
        elif isinstance(wanted, dict):
            if not all(compare[name](document[field], value) for name, value in wanted.items()):
                return False
        elif document[field] != wanted:
            return False
    return True
