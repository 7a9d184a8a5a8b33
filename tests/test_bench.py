"""The table of aims says what was reached, and the bench's parts can be chosen."""

from __future__ import annotations

import pytest

from tests.bench.aims import Figure


@pytest.mark.parametrize(
    ("figure", "result"),
    [
        (Figure("flows", 0.44, 0.45, 0.55), "NOT met"),
        (Figure("flows", 0.45, 0.45, 0.55), "met"),
        (Figure("flows", 0.55, 0.45, 0.55), "stretch met"),
        (Figure("reads", 0.8, 0.75), "met"),
        (Figure("message, ms", 10.1, 10, is_limit=True), "NOT met"),
        (Figure("message, ms", 9.9, 10, is_limit=True), "met"),
        (Figure("commands a flow", 0.5), ""),
    ],
)
def test_a_figure_says_whether_its_aim_is_met(figure: Figure, result: str) -> None:
    assert figure.result == result
    assert figure.row()[-1] == result
