"""Settings > Sending rules: every row of the tables, with what counsel should look at."""

from __future__ import annotations

import pytest

from bot.compliance.texting_rules import CAPS, HOURS, US, Cap, Doubt, Hours
from tests.widget.desk import Desk

ROWS: tuple[Hours | Cap, ...] = (*HOURS, *CAPS)


@pytest.mark.parametrize("row", [row for row in ROWS if not row.where.startswith(US) and row.id != "own-cap"])
def test_rows_outside_the_us_need_counsel(row: Hours | Cap) -> None:
    assert {Doubt.PRACTICE, Doubt.ABROAD} & row.doubts


@pytest.mark.parametrize("row", [row for row in ROWS if not {Doubt.PRACTICE} & row.doubts and row.id != "own-cap"])
def test_a_law_without_an_effective_date_says_so(row: Hours | Cap) -> None:
    assert (row.since is None) == (Doubt.UNDATED in row.doubts)


@pytest.mark.parametrize(
    ("words", "doubt"),
    [("practice", Doubt.PRACTICE), ("for calls", Doubt.CALLS), ("automated devices", Doubt.DEVICES)],
)
def test_sources_with_a_caveat_are_marked(words: str, doubt: Doubt) -> None:
    assert {row.id for row in ROWS if words in row.source} == {row.id for row in ROWS if doubt in row.doubts}


async def test_an_admin_reads_all_of_them(ada: Desk) -> None:
    page = await ada.look("/settings/sending-rules")
    assert len(page.all("th", scope="row")) == len(ROWS)
    text = " ".join(page.text.split())
    for words in (
        "Common practice, not a law",
        "Effective date unknown",
        "No marketing texts at all: India.",
        "3 in 24 hours",
    ):
        assert words in text
