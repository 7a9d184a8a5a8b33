"""Which contacts: one document that lists, segments, bulk jobs, exports and audiences share. `bot.contacts.filters`
compiles it to a query."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_serializer, model_validator
from pydantic_core.core_schema import SerializerFunctionWrapHandler

from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.addresses import PhoneKind
from bot.model.contact import ConsentState, Role
from bot.model.event import Grade, Source

T = TypeVar("T")
Several = Annotated[tuple[T, ...], Field(min_length=1, max_length=100)]
"""One of these values."""
Id = Annotated[str, Field(min_length=1, max_length=100)]
Days = Annotated[int, Field(ge=0, le=36_500)]
MOST_TEXT = 8000
"""Characters of a filter in an address."""
MOST_CONTACTS = 150
"""Contacts that a filter can name: it has to fit into an address."""


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Match(StrEnum):
    ALL = "all"
    ANY = "any"


class When(Closed):
    """A range of time: the last `within_days`, longer ago than `beyond_days`, from `after` on, until before `before`.
    Dates are days in UTC."""

    within_days: Days | None = None
    beyond_days: Days | None = None
    after: date | None = None
    before: date | None = None


class Rule(Closed):
    """One condition. `is_not` inverts it."""

    field: str
    is_not: bool = False

    @model_serializer(mode="wrap")
    def _with_field(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """`field` identifies the condition, so it is kept when defaults are left out."""
        return {"field": self.field, **handler(self)}


class ConsentIs(Rule):
    """Their state on a subscription. Of an opt-out type, "opted in" includes people who never answered."""

    field: Literal["consent"] = "consent"
    subscription: Id
    states: Several[ConsentState]
    sources: tuple[Source, ...] = ()
    """How the state came about; empty: any way."""
    grades: tuple[Grade, ...] = ()
    since: When = When()


class Textable(Rule):
    """Whether a message of the subscription may be sent to them now: permission, without caps and quiet hours."""

    field: Literal["textable"] = "textable"
    subscription: Id


class PhoneCountry(Rule):
    field: Literal["phone_country"] = "phone_country"
    countries: Several[Annotated[str, Field(pattern="^[A-Z0-9]{2,3}$")]]


class UsState(Rule):
    field: Literal["us_state"] = "us_state"
    states: Several[Annotated[str, Field(pattern="^[A-Z]{2}$")]]


class PhoneType(Rule):
    field: Literal["phone_type"] = "phone_type"
    kinds: Several[PhoneKind]


class HasPhone(Rule):
    field: Literal["has_phone"] = "has_phone"


class HasEmail(Rule):
    field: Literal["has_email"] = "has_email"


class Stopped(Rule):
    """Their number opted out of all texts."""

    field: Literal["stopped"] = "stopped"


class RoleIs(Rule):
    field: Literal["role"] = "role"
    roles: Several[Role]


class LocaleIs(Rule):
    field: Literal["locale"] = "locale"
    locales: Several[Id]


class TimeZoneIs(Rule):
    field: Literal["time_zone"] = "time_zone"
    zones: Several[Id]


class LastSeen(Rule):
    """`is_never`: contacts who were never seen; `when` is ignored."""

    field: Literal["last_seen"] = "last_seen"
    when: When = When()
    is_never: bool = False


class Created(Rule):
    field: Literal["created"] = "created"
    when: When


class ContactIs(Rule):
    """Contacts that were selected one by one."""

    field: Literal["contact"] = "contact"
    ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MOST_CONTACTS)]


class TagIs(Rule):
    """Whether they have one of these tags."""

    field: Literal["tag"] = "tag"
    tags: Several[Id]


class Op(StrEnum):
    IS = "is"
    """One of the values."""
    BEGINS = "begins"
    """A text that begins with the first value."""
    FROM = "from"
    """The first value or more: numbers and dates."""
    UP_TO = "up_to"
    """The first value or less."""
    IS_SET = "is_set"


class AttributeIs(Rule):
    """A custom attribute, by its key. Values are written as people type them and read by the attribute's type."""

    field: Literal["attribute"] = "attribute"
    key: Id
    op: Op = Op.IS
    values: tuple[Annotated[str, Field(max_length=200)], ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def _has_values(self) -> AttributeIs:
        if self.op is not Op.IS_SET and not self.values:
            raise ValueError("values")
        return self


Condition = Annotated[
    ConsentIs
    | Textable
    | PhoneCountry
    | UsState
    | PhoneType
    | HasPhone
    | HasEmail
    | Stopped
    | RoleIs
    | LocaleIs
    | TimeZoneIs
    | LastSeen
    | Created
    | TagIs
    | ContactIs
    | AttributeIs,
    Field(discriminator="field"),
]


class ConditionGroup(Closed):
    """Conditions that must all match, or any of them."""

    match: Match = Match.ALL
    conditions: tuple[Condition, ...] = Field(min_length=1, max_length=20)


class Filter(Closed):
    """`Filter()` is everybody. `query`: words of the name, the email address, the number, or the external id."""

    query: Annotated[str, Field(max_length=200)] = ""
    match: Match = Match.ALL
    groups: tuple[ConditionGroup, ...] = Field(default=(), max_length=10)

    @classmethod
    def of(cls, *conditions: Condition, query: str = "") -> Filter:
        """The contacts that match all of these."""
        return cls(query=query, groups=(ConditionGroup(conditions=conditions),) if conditions else ())

    @property
    def is_everybody(self) -> bool:
        return not self.groups and not self.query.strip()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(condition for group in self.groups for condition in group.conditions)

    def as_text(self) -> str:
        """For an address or a form: JSON without defaults. Everybody is the empty text."""
        return "" if self == Filter() else self.model_dump_json(exclude_defaults=True)

    @classmethod
    def from_text(cls, text: str) -> Filter:
        """Raises Invalid."""
        if not text.strip():
            return cls()
        try:
            if len(text) > MOST_TEXT:
                raise ValueError
            return cls.model_validate_json(text)
        except (ValidationError, ValueError):
            raise Invalid(_("This filter is invalid. Remove it and add its conditions again.")) from None
