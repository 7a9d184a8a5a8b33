"""Whom the cells of a file name, however they are written."""

from __future__ import annotations

import pytest

from bot.contacts.imports.traces import Traces, cells_of_id, traces

US, DE, MX, AR = "+12015550123", "+4915112345678", "+525512345678", "+5491123456789"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (US, "+12015550123"),
        (US, "12015550123"),
        (US, "2015550123"),
        (US, "(201) 555-0123"),
        (US, "201.555.0123"),
        (US, "001 201 555 0123"),
        (US, "'+1 201 555 0123"),
        (US, "2015550123.0"),
        (US, "1.2015550123E+10"),
        (US, "２０１ ５５５ ０１２３"),
        (US, "Maya, tel:+1-201-555-0123, likes walnuts"),
        (US, "202 555 0199 201 555 0123"),
        (DE, "0151 12345678"),
        (DE, "0049 151 12345678"),
        (MX, "044 55 1234 5678"),
        (MX, "+52 1 55 1234 5678"),
        (AR, "011 15-2345-6789"),
    ],
)
def test_a_number_is_found_in_every_form(number: str, text: str) -> None:
    them = Traces(numbers=frozenset({number}))
    assert them.all & traces(text)
    assert them.may_be_in(["Maya", text])
    assert them.are_in(text, ["US"])


@pytest.mark.parametrize("text", ["+442015550123", "(202) 555-0123", "5550123", "2025-03-31T20:15:55Z", "12015550124"])
def test_the_number_of_somebody_else_is_not(text: str) -> None:
    assert not Traces(numbers=frozenset({US})).are_in(text, ["US"])


def test_a_number_of_seven_digits_is_read_with_the_country_of_the_import() -> None:
    them = Traces(numbers=frozenset({"+3725123456"}))  # Estonia
    assert them.all & traces("512 3456")
    assert them.are_in("512 3456", ["EE"])


@pytest.mark.parametrize("text", ["MAYA@example.com", "Maya <maya@Example.com>", "mailto: maya@example.com."])
def test_an_address_is_found_in_any_case(text: str) -> None:
    them = Traces(emails=frozenset({"Maya@Example.com"}))
    assert them.all & traces(text)
    assert them.are_in(text, [])
    assert not them.are_in("anna.maya@example.com", [])


def test_a_user_id_is_a_whole_cell_of_its_column_or_a_long_one_of_any() -> None:
    assert Traces(ids=frozenset({"U-7"})).all <= traces(" u-7 ")
    assert cells_of_id([" U-7 ", "x", "4711"], 0) == ["u-7"]
    assert cells_of_id(["U-7", "x", "4711"], None) == ["4711"]


def test_times_and_empty_cells_name_nobody() -> None:
    assert traces("") == traces("2025-03-31 10:20:30") == set()
