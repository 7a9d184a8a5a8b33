"""Facts derived from an address alone: a number's country, US state and kind of line; the validity of an email
address."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, national_significant_number

from bot.model.base import Value
from bot.model.us_area_codes import STATE_OF


class PhoneKind(StrEnum):
    MOBILE = "mobile"
    MOBILE_OR_LANDLINE = "mobile_or_landline"
    """Countries like the US don't distinguish the two, so it may receive texts."""
    LANDLINE = "landline"
    VOIP = "voip"
    TOLL_FREE = "toll_free"
    OTHER = "other"
    """Premium rate, pager, shared cost …"""
    INVALID = "invalid"
    """No number that is in use."""


EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")


def is_email(text: str) -> bool:
    """Whether it has the form of an address; only a message can tell whether it exists."""
    return len(text) <= 254 and EMAIL.fullmatch(text) is not None


TAKES_TEXTS = (PhoneKind.MOBILE, PhoneKind.MOBILE_OR_LANDLINE)
_KINDS = {
    PhoneNumberType.MOBILE: PhoneKind.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: PhoneKind.MOBILE_OR_LANDLINE,
    PhoneNumberType.FIXED_LINE: PhoneKind.LANDLINE,
    PhoneNumberType.VOIP: PhoneKind.VOIP,
    PhoneNumberType.TOLL_FREE: PhoneKind.TOLL_FREE,
}


class PhoneFacts(Value):
    """Stored with the contact, so that filters find it by an index."""

    kind: PhoneKind
    country: str | None = None
    """ISO 3166-1 alpha-2."""
    state: str | None = None
    """Of a US number: the two letters of the state of its area code."""
    national: str = ""
    """Its digits without the country code."""

    @property
    def takes_texts(self) -> bool:
        return self.kind in TAKES_TEXTS

    def is_e164(self, phone: str) -> bool:
        """Whether these facts are of this number as it is written."""
        return phone == f"+{_calling_code(self.country)}{self.national}"


REMEMBERED = 8192
_facts: dict[str, PhoneFacts] = {}


def facts_of(phone: str) -> PhoneFacts:
    """Of a number in E.164. Cached: parsing takes 0.15 ms."""
    return _facts[phone] if phone in _facts else remember_facts(phone, _parsed_facts(phone))


def remember_facts(phone: str, facts: PhoneFacts) -> PhoneFacts:
    """Caches facts from an earlier parse or a stored contact, so that the number isn't parsed again."""
    if len(_facts) >= REMEMBERED:
        del _facts[next(iter(_facts))]
    _facts[phone] = facts
    return facts


def knows_facts(phone: str) -> bool:
    return phone in _facts


def facts_of_parsed(number: PhoneNumber) -> PhoneFacts:
    """Of a number that was read, whether it is valid or not."""
    country, type = phonenumbers.region_code_for_number(number), phonenumbers.number_type(number)
    if country is None or type == PhoneNumberType.UNKNOWN:
        return PhoneFacts(kind=PhoneKind.INVALID)
    national = national_significant_number(number)
    state = STATE_OF.get(national[:3]) if country == "US" else None
    return PhoneFacts(kind=_KINDS.get(type, PhoneKind.OTHER), country=country, state=state, national=national)


def _parsed_facts(phone: str) -> PhoneFacts:
    try:
        return facts_of_parsed(phonenumbers.parse(phone, None))
    except NumberParseException:
        return PhoneFacts(kind=PhoneKind.INVALID)


@lru_cache(maxsize=256)
def _calling_code(country: str | None) -> int:
    return phonenumbers.country_code_for_region(country) if country else 0
