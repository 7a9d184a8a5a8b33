"""Whether a person matches the conditions of a flow: pure.

The conditions are those of contact filters (`bot.model.filter`) that can be told of one person without a query, so that
a visitor who isn't stored yet, and a flow that is tried in a terminal, are judged by the same rules.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import singledispatch
from typing import Annotated, Literal, Protocol

from pydantic import Field

from bot.flows.office_hours import OfficeHours
from bot.model.contact import Contact
from bot.model.event import ConsentState
from bot.model.filter import (
    AttributeIs,
    Closed,
    ConsentIs,
    HasEmail,
    HasPhone,
    LocaleIs,
    Match,
    Op,
    PhoneCountry,
    RoleIs,
    Rule,
    Stopped,
    TagIs,
    TimeZoneIs,
    When,
)
from bot.model.subscription import ConsentType


class OfficeHoursAre(Rule):
    """Whether it is within the flow's office hours now. `is_not`: outside of them."""

    field: Literal["office_hours"] = "office_hours"


PersonCondition = Annotated[
    ConsentIs
    | AttributeIs
    | TagIs
    | LocaleIs
    | PhoneCountry
    | TimeZoneIs
    | RoleIs
    | HasPhone
    | HasEmail
    | Stopped
    | OfficeHoursAre,
    Field(discriminator="field"),
]


class Who(Closed):
    """Conditions that must all match, or any of them. None: everyone."""

    match: Match = Match.ALL
    conditions: tuple[PersonCondition, ...] = Field(default=(), max_length=20)


class StepFacts(Protocol):
    """What steps may ask about a person."""

    @property
    def hours(self) -> OfficeHours | None: ...

    @property
    def region(self) -> str: ...

    @property
    def countries(self) -> Collection[str]: ...

    def value(self, variable: str) -> str:
        """Of a variable about the person, see `PERSONAL` and `ATTRIBUTE`."""

    def matches(self, who: Who, step: str) -> bool:
        """Whether they match the conditions of this step."""


PERSONAL = ("first_name", "name", "email")
"""Variables about the contact; custom attributes are `attribute_<key>`."""
ATTRIBUTE = "attribute_"


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What is known about a person at a moment."""

    contact: Contact
    at: datetime
    consent_types: Mapping[str, ConsentType] = field(default_factory=dict)
    """By subscription."""
    hours: OfficeHours | None = None
    region: str = "US"
    """The country of numbers that are typed without a country code."""
    countries: Collection[str] = ("US",)
    """Those that are texted."""

    def value(self, variable: str) -> str:
        contact = self.contact
        if variable.startswith(ATTRIBUTE):
            value = contact.attributes.get(variable.removeprefix(ATTRIBUTE), "")
            return f"{value:.15g}" if isinstance(value, float) else str(value)
        full = contact.name or ""
        return {"name": full, "first_name": full.partition(" ")[0], "email": contact.email or ""}[variable]

    def matches(self, who: Who, step: str) -> bool:
        return matches(who, self)


def matches(who: Who, facts: PersonFacts) -> bool:
    judged = (holds(condition, facts) for condition in who.conditions)
    return not who.conditions or (all(judged) if who.match is Match.ALL else any(judged))


def holds(condition: Rule, facts: PersonFacts) -> bool:
    return _holds(condition, facts) is not condition.is_not


@singledispatch
def _holds(condition: Rule, facts: PersonFacts) -> bool:
    raise NotImplementedError(condition.field)


@_holds.register
def _consent(condition: ConsentIs, facts: PersonFacts) -> bool:
    consent = facts.contact.consent(condition.subscription)
    if consent is None or consent.state is ConsentState.NONE:
        is_opt_out = facts.consent_types.get(condition.subscription) is ConsentType.OPT_OUT
        by_default = ConsentState.OPTED_IN in condition.states and is_opt_out
        is_plain = not (condition.sources or condition.grades or condition.since != When())
        return is_plain and (by_default or ConsentState.NONE in condition.states)
    is_source = not condition.sources or consent.source in condition.sources
    is_graded = not condition.grades or (consent.is_grant and consent.evidence in condition.grades)
    return (
        consent.state in condition.states and is_source and is_graded and _is_in(condition.since, consent.at, facts.at)
    )


def _is_in(when: When, time: datetime, at: datetime) -> bool:
    """Dates are days in UTC."""
    return (
        (when.within_days is None or time >= at - timedelta(days=when.within_days))
        and (when.beyond_days is None or time < at - timedelta(days=when.beyond_days))
        and (when.after is None or time >= _day(when.after))
        and (when.before is None or time < _day(when.before))
    )


def _day(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@_holds.register
def _attribute(condition: AttributeIs, facts: PersonFacts) -> bool:
    value = facts.contact.attributes.get(condition.key)
    if value is None or condition.op is Op.IS_SET:
        return value is not None
    return any(_compares(condition.op, value, text.strip()) for text in condition.values)


def _compares(op: Op, value: object, text: str) -> bool:
    """By the type of the stored value, like `Attribute.read`."""
    if op is Op.BEGINS:
        return str(value).startswith(text)
    wanted = _read(value, text)
    if wanted is None:
        return False
    if op is Op.IS:
        return value == wanted
    return bool(value >= wanted if op is Op.FROM else value <= wanted)  # type: ignore[operator]


def _read(value: object, text: str) -> object:
    try:
        if isinstance(value, bool):
            return text.casefold() in {"true", "yes", "y", "1", "on"}
        if isinstance(value, int | float):
            return float(text)
        if isinstance(value, datetime):
            return _day(date.fromisoformat(text[:10]))
    except ValueError:
        return None
    return text


@_holds.register
def _tag(condition: TagIs, facts: PersonFacts) -> bool:
    return not {*condition.tags}.isdisjoint(facts.contact.tags)


@_holds.register
def _locale(condition: LocaleIs, facts: PersonFacts) -> bool:
    return facts.contact.locale in condition.locales


@_holds.register
def _country(condition: PhoneCountry, facts: PersonFacts) -> bool:
    phone = facts.contact.phone_facts
    return phone is not None and phone.country in condition.countries


@_holds.register
def _zone(condition: TimeZoneIs, facts: PersonFacts) -> bool:
    return facts.contact.time_zone in condition.zones


@_holds.register
def _role(condition: RoleIs, facts: PersonFacts) -> bool:
    return facts.contact.role in condition.roles


@_holds.register
def _has_phone(condition: HasPhone, facts: PersonFacts) -> bool:
    return bool(facts.contact.phone)


@_holds.register
def _has_email(condition: HasEmail, facts: PersonFacts) -> bool:
    return bool(facts.contact.email)


@_holds.register
def _stopped(condition: Stopped, facts: PersonFacts) -> bool:
    return facts.contact.stopped


@_holds.register
def _office_hours(condition: OfficeHoursAre, facts: PersonFacts) -> bool:
    return facts.hours is None or facts.hours.is_open(facts.at)
