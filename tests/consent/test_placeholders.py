"""Places in the business's own texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.consent.placeholders import VARIABLES, fill, has_place, unknown_variables

VALUES = {
    "brand": "Harbor Coffee",
    "program": "Deals",
    "frequency": "Up to 4 msgs/month",
    "link": "https://sayso.test/p/x",
}


def test_each_place_is_filled() -> None:
    text = "{brand}: {program}. {frequency}. Your choices: {link}"
    assert fill(text, VALUES) == "Harbor Coffee: Deals. Up to 4 msgs/month. Your choices: https://sayso.test/p/x"


@pytest.mark.parametrize("text", ["{Brand}", "{BRAND}", "{ brand }", "{brand\n}"])
def test_places_are_known_however_they_are_written(text: str) -> None:
    assert fill(text, VALUES) == "Harbor Coffee"


@pytest.mark.parametrize(
    "text", ["{}", "{0}", "{brand.__class__}", "{brand!r}", "%(brand)s", "{brnad}", "{ }", "{a b}"]
)
def test_what_is_no_place_stays_as_it_is(text: str) -> None:
    assert fill(text, VALUES) == text


def test_a_place_without_a_value_stays() -> None:
    assert fill("{brand} {link}", {"brand": "Harbor"}) == "Harbor {link}"


def test_what_is_filled_in_is_not_read_again() -> None:
    assert fill("{brand} {program}", {"brand": "{program}", "program": "\\1 {brand}"}) == "{program} \\1 {brand}"


def test_names_that_nothing_fills_are_named_once_each() -> None:
    assert unknown_variables("{brand} {brnad} {Link} {first_name} {brnad} {} {0}") == ["brnad", "first_name", "0"]


def test_a_place_can_be_asked_for() -> None:
    assert has_place("Choices: { Link }", "link")
    assert not has_place("Choices: {link.x} link", "link")


@given(st.text(), st.dictionaries(st.sampled_from(VARIABLES), st.text()))
def test_any_text_can_be_filled(text: str, values: dict[str, str]) -> None:
    assert "{" in text or fill(text, values) == text
