"""Reads phone numbers as people type them: valid, in which country, able to receive texts. Pure.

What people type or paste is cleaned by `typed_number`; the errors are in `number_refusals`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from bot.consent.number_refusals import no_texts, not_texted, not_valid
from bot.consent.typed_number import digits_of, readings
from bot.errors import EmailRefused
from bot.model.addresses import PhoneFacts, facts_of, facts_of_parsed, remember_facts
from bot.model.addresses import is_email as is_email
from bot.model.contact import Contact
from bot.model.subscription import MessageType

REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Number:
    """A number that can receive texts."""

    e164: str
    region: str
    national: str
    """As people write it, see `national`."""


_numbers: dict[str, Number | None] = {}
"""By E.164, the first ones first."""


def read_number(text: str, region: str, countries: Collection[str]) -> Number:
    """Reads `text`, typed with `region` selected (ISO 3166-1 alpha-2), if we text its country.

    Raises NumberRefused.
    """
    digits = digits_of(text, region)
    found = next(filter(None, (_valid(reading, region) for reading in readings(digits, region))), None)
    if found is None:
        raise not_valid(digits, region)
    parsed, facts = found
    there = facts.country or ""
    if there not in countries:
        raise not_texted(there, countries)
    if not facts.takes_texts:
        raise no_texts(parsed, there, is_assumed=there == region and not digits.startswith("+"))
    number = _number(parsed, facts)
    remember_facts(number.e164, facts)
    _keep(number.e164, number)
    return number


def saved_number(phone: str | None) -> Number | None:
    """The contact's number if it is valid and can receive texts (it is then locked, law 5), else None."""
    return _known(phone) if phone else None


def takes_texts(e164: str) -> bool:
    """Whether it is valid and can receive texts. Numbers of contacts that were just read are not parsed again."""
    facts = facts_of(e164)
    return facts.takes_texts and facts.is_e164(e164)


def read_email(text: str) -> str:
    """The address as typed. Raises EmailRefused."""
    text = text.strip()
    if not is_email(text):
        raise EmailRefused
    return text


def address_of(contact: Contact, channel: MessageType) -> str | None:
    """Where messages of this channel reach the contact: a valid number (E.164) or email address.

    A card shows it locked.
    """
    if channel is MessageType.EMAIL:
        return contact.email if contact.email and is_email(contact.email) else None
    facts = contact.phone_facts
    if contact.phone and facts and facts.is_e164(contact.phone):
        return contact.phone if facts.takes_texts else None
    number = saved_number(contact.phone)  # saved in another form, before numbers were always in E.164
    return number.e164 if number else None


def national(e164: str) -> str:
    """`+12015550123` is "(201) 555-0123"; numbers outside North America keep their country code: "+44 7400 123456"."""
    number = _known(e164)
    return number.national if number else _national(phonenumbers.parse(e164, None))


@lru_cache(maxsize=4096)
def masked(e164: str) -> str:
    """Shows only the last four digits: "(•••) •••-0123"."""
    shown = national(e164)
    keep = [i for i, c in enumerate(shown) if c.isdigit()][-4:]
    return "".join("•" if c.isdigit() and i not in keep else c for i, c in enumerate(shown))


def example_number(region: str) -> str:
    """A valid mobile number of this country in E.164, for previews."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    return _e164(number) if number else "+12015550123"


def international(text: str, region: str) -> str | None:
    """A number that can be called, in international format: "+1 800 555 0199"."""
    try:
        parsed = phonenumbers.parse(text[:50], region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed) or parsed.extension:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def all_regions() -> frozenset[str]:
    """The supported countries (ISO 3166-1 alpha-2)."""
    return frozenset(phonenumbers.SUPPORTED_REGIONS)


def calling_code(region: str) -> str:
    """`US` is "+1"."""
    return f"+{phonenumbers.country_code_for_region(region)}"


def _known(e164: str) -> Number | None:
    """Cached: parsing takes 0.15 ms, and the same number is needed several times."""
    if e164 not in _numbers:
        _keep(e164, _read(e164))
    return _numbers[e164]


def _keep(e164: str, number: Number | None) -> None:
    if len(_numbers) >= REMEMBERED:
        del _numbers[next(iter(_numbers))]
    _numbers[e164] = number


def _read(e164: str) -> Number | None:
    found = _valid(e164, None)
    return _number(*found) if found and found[1].takes_texts else None


def _number(parsed: PhoneNumber, facts: PhoneFacts) -> Number:
    return Number(_e164(parsed), facts.country or "", _national(parsed))


def _e164(parsed: PhoneNumber) -> str:
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def _national(parsed: PhoneNumber) -> str:
    form = PhoneNumberFormat.NATIONAL if parsed.country_code == 1 else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, form)


def _valid(digits: str, region: str | None) -> tuple[PhoneNumber, PhoneFacts] | None:
    try:
        parsed = phonenumbers.parse(digits, region)
    except NumberParseException:
        return None
    facts = facts_of_parsed(parsed)
    return (parsed, facts) if facts.country else None
