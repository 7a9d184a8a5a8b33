"""The address that a yes is for: the saved one, which is locked (law 5), or the one that was typed. Pure."""

from __future__ import annotations

from collections.abc import Collection

from bot.consent.numbers import address_of, read_email, read_number
from bot.errors import NumberRefused, SavedNumberLocked
from bot.model.contact import Contact
from bot.model.subscription import MessageType, Subscription


def address_to_record(
    contact: Contact, subscription: Subscription, typed: str | None, region: str, countries: Collection[str]
) -> str:
    """`typed`: None if the saved one was shown; `region`: the country of a number without its code; `countries`: those
    that the workspace texts. Raises SavedNumberLocked if another address than the saved one was typed, NumberRefused
    and EmailRefused.
    """
    saved = address_of(contact, subscription.message_type)
    if subscription.message_type is MessageType.EMAIL:
        if saved is None:
            return read_email(typed or "")
        if typed is not None and typed.strip().casefold() != saved.casefold():
            raise SavedNumberLocked
        return saved
    number = read_number(saved or typed or "", region, countries).e164
    if saved and typed is not None and read_number(typed, region, countries).e164 != number:
        raise SavedNumberLocked
    return number


def is_typed(address: str, typed: str, region: str, countries: Collection[str]) -> bool:
    """Whether this number (E.164) or email address is what was typed."""
    if not address.startswith("+"):
        return typed.strip().casefold() == address.casefold()
    try:
        return read_number(typed, region, countries).e164 == address
    except NumberRefused:
        return False
