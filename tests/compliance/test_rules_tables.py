"""The documentation of the rules says what the rules are."""

from __future__ import annotations

import pytest

from tools.rules_tables import PAGE, page


def test_the_tables_of_the_page_are_the_rules() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run `make rules`"


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"sending\.md has lost a marker"):
        page("no tables here")
