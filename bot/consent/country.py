"""The country of a number that is typed without its code, and how numbers look there: pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

import phonenumbers
from babel.core import get_global
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

TERRITORY = re.compile(r"[-_]([A-Za-z]{2})(?=$|[-_])")


@lru_cache(maxsize=4096)
def visitor_region(time_zone: str | None, languages: Sequence[str], texted: Collection[str]) -> str:
    """The first country we text among that of the visitor's time zone, then those of their languages (`en-GB`); empty
    if there is none. The zone says where they are, a language only how their device was set up."""
    zone = get_global("zone_aliases").get(time_zone or "", time_zone or "")
    there = get_global("zone_territories").get(zone) or ""
    found = [there, *(match[1].upper() for tag in languages if (match := TERRITORY.search(tag)))]
    return next((region for region in found if region in texted), "")


@lru_cache(maxsize=256)
def example_mask(region: str) -> tuple[str, str]:
    """A mobile number as people in this country write it, and how such a number is grouped while it is typed, with a
    `0` for each digit: `("07400 123456", "00000 000000")`.

    The second is empty where mobile numbers differ in length: a grouping taken from one would be wrong for others.
    """
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is None:
        return "", ""
    example = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    metadata = PhoneMetadata.metadata_for_region(region, None)
    lengths = metadata.mobile.possible_length if metadata and metadata.mobile else ()
    return example, re.sub(r"\d", "0", example) if len(lengths) == 1 else ""
