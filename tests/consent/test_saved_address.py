"""Which address a yes is for (law 5)."""

from __future__ import annotations

import pytest

from bot.consent.saved_address import address_to_record
from bot.errors import EmailRefused, NumberRefused, SavedNumberLocked
from bot.model.subscription import MessageType
from tests.people import ANOTHER, NUMBER, TEXTED, person, subscription

SMS, EMAIL = subscription(), subscription(message_type=MessageType.EMAIL)
ADA = person(phone=NUMBER, email="Ada@example.com")


@pytest.mark.parametrize("typed", [None, NUMBER, "(201) 555-0123", "201.555.0123"])
def test_the_saved_number_is_recorded_however_it_is_typed(typed: str | None) -> None:
    assert address_to_record(ADA, SMS, typed, "US", TEXTED) == NUMBER


@pytest.mark.parametrize("typed", [None, "ada@example.com", " ADA@EXAMPLE.COM "])
def test_the_saved_email_is_recorded_as_it_is_saved(typed: str | None) -> None:
    assert address_to_record(ADA, EMAIL, typed, "US", TEXTED) == "Ada@example.com"


def test_another_address_than_the_saved_one_is_refused() -> None:
    for offered, typed in ((SMS, ANOTHER), (EMAIL, "eve@example.com"), (EMAIL, "")):
        with pytest.raises(SavedNumberLocked):
            address_to_record(ADA, offered, typed, "US", TEXTED)


def test_without_a_saved_address_the_typed_one_is_recorded() -> None:
    nobody = person()
    assert address_to_record(nobody, SMS, "(201) 555-0123", "US", TEXTED) == NUMBER
    assert address_to_record(nobody, EMAIL, "eve@example.com", "US", TEXTED) == "eve@example.com"
    with pytest.raises(NumberRefused):
        address_to_record(nobody, SMS, None, "US", TEXTED)
    with pytest.raises(EmailRefused):
        address_to_record(nobody, EMAIL, "eve", "US", TEXTED)
