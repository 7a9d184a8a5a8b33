"""Settings > Sending rules: every row of the tables, with what counsel should look at."""

from __future__ import annotations

import pytest

from bot.compliance.texting_rules import CAPS, HOURS, US, Cap, Doubt, Hours, doubts
from tests.widget.desk import Desk

ROWS: tuple[Hours | Cap, ...] = (*HOURS, *CAPS)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if not row.where.startswith(US) and row.id not in {"own-cap", "in"}]
)
def test_rows_outside_the_us_need_counsel(row: Hours | Cap) -> None:
    assert {Doubt.PRACTICE, Doubt.CALLS} & {*doubts(row)}


def test_a_dated_row_of_a_state_has_no_doubt_and_one_without_a_date_has() -> None:
    known = {row.id: doubts(row) for row in ROWS}
    assert (known["us-or"], known["us-wy"], known["own-cap"]) == ([], [Doubt.UNDATED], [])
    assert known["us-me-cap"] == [Doubt.DEVICES, Doubt.UNDATED]


async def test_an_admin_reads_all_of_them(ada: Desk) -> None:
    page = await ada.look("/settings/sending-rules")
    assert len(page.all("th", scope="row")) == len(ROWS)
    text = " ".join(page.text.split())
    for words in (
        "Common practice, not a law",
        "Start date not researched",
        "No marketing texts at all: India.",
        "3 in 24 hours",
    ):
        assert words in text
