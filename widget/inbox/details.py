"""A contact's details for teammates: name, number, location, attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from bot.chat.linked_text import LinkedText, segments
from bot.consent.numbers import national, saved_number
from bot.i18n import Translator
from bot.model.base import now
from bot.model.contact import Contact, Role
from widget.web.languages import language

MOST = 50
"""Limit of attributes shown."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One line. `parts`: text with web links; `at`: a time, instead."""

    label: str
    parts: tuple[LinkedText, ...] = ()
    at: datetime | None = None
    is_bad: bool = False
    """The value is unusable."""
    is_ltr: bool = False
    is_unverified: bool = False
    """It came from the site's page without its signature."""


def name_of(contact: Contact, say: Translator) -> str:
    """The name, or else the email or number, or else a name derived from the id."""
    number = saved_number(contact.phone)
    shown = contact.name or contact.email or (isolated(number.national) if number else "")
    return shown or say("Visitor %(id)s", id=contact.id[-4:])


def isolated(number: str) -> str:
    """Left-to-right in any context: the plus sign stays in front."""
    return f"\u2066{number}\u2069"


def shown_number(phone: str) -> str:
    """In the national format; an invalid number as it was entered."""
    return national(phone) if saved_number(phone) else phone


def details_of(contact: Contact, say: Translator) -> list[Detail]:
    return [*_details(contact, say)]


def _details(contact: Contact, say: Translator) -> Iterator[Detail]:
    yield _line(say("Role"), say("User") if contact.role is Role.USER else say("Lead"))
    if contact.email:
        is_unverified = contact.is_unverified("email")
        yield Detail(say("Email"), _text(contact.email), is_ltr=True, is_unverified=is_unverified)
    if contact.phone:
        yield _phone(contact.phone, say)
    yield _line(say("Language"), language(contact.locale, say))
    if contact.time_zone:
        yield _line(say("Local time"), _local_time(contact.time_zone, say))
    if contact.page:
        yield Detail(say("Page"), segments(contact.page[:300], named=False), is_ltr=True)
    if contact.last_seen_at:
        yield Detail(say("Last seen"), at=contact.last_seen_at)


def attributes_of(contact: Contact, names: Mapping[str, str], say: Translator) -> list[tuple[str, str]]:
    """Names and values as text. `names`: by key; one that is defined nowhere shows its key."""
    return [(names.get(key, key), attribute_text(value, say)) for key, value in [*contact.attributes.items()][:MOST]]


def _phone(phone: str, say: Translator) -> Detail:
    number = saved_number(phone)
    if number is None:
        return Detail(say("Phone"), _text(phone), is_bad=True, is_ltr=True)
    return Detail(say("Phone"), _text(f"{isolated(number.national)} · {say.country(number.region)}"))


def _local_time(zone: str, say: Translator) -> str:
    """`9:44 · New York`; an unknown time zone as it was given."""
    try:
        time = format_time(now().astimezone(ZoneInfo(zone)), "short", locale=say.locale)
    except (ValueError, OSError, LookupError):
        return zone
    return f"{time} · {zone.rpartition('/')[2].replace('_', ' ')}"


def attribute_text(value: Any, say: Translator) -> str:
    """The value of a custom attribute as teammates read it."""
    if isinstance(value, bool):
        return say("Yes") if value else say("No")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return format_date(value, "medium", locale=say.locale) if isinstance(value, datetime) else str(value)[:300]


def _line(label: str, text: str, *, is_ltr: bool = False) -> Detail:
    return Detail(label, _text(text), is_ltr=is_ltr)


def _text(text: str) -> tuple[LinkedText, ...]:
    return (LinkedText(text),)
