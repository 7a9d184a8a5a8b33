"""What a greeting asked about a person, signed into their token: the same words can be drawn again from it, and stored
with their first act, although nothing is stored yet. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pydantic_core import to_json

from bot.flows.matching import PersonFacts, Who
from bot.flows.office_hours import OfficeHours

LONGEST_VALUE = 100
"""Characters of a variable's value that a token holds."""
LONGEST_ASKED = 600
"""Bytes of all of it in a token. A greeting that asks for more is stored when the chat is opened."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Answers by the facts, and keeps the answers in `asked`."""

    facts: PersonFacts
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def hours(self) -> OfficeHours | None:
        return self.facts.hours

    @property
    def region(self) -> str:
        return self.facts.region

    @property
    def countries(self) -> Collection[str]:
        return self.facts.countries

    @property
    def fits(self) -> bool:
        """Whether a token can hold it."""
        are_short = all(len(value) <= LONGEST_VALUE for value in self.asked.values())
        return are_short and len(to_json(self.asked)) <= LONGEST_ASKED

    def value(self, variable: str) -> str:
        self.asked[variable] = self.facts.value(variable)
        return self.asked[variable]

    def matches(self, who: Who, step: str) -> bool:
        does = self.facts.matches(who, step)
        self.asked[_condition(step)] = "yes" if does else ""
        return does


@dataclass(frozen=True, slots=True)
class Asked:
    """Answers by what was kept."""

    asked: Mapping[str, str]
    hours: OfficeHours | None = None
    region: str = "US"
    countries: Collection[str] = ()

    def value(self, variable: str) -> str:
        return self.asked.get(variable, "")

    def matches(self, who: Who, step: str) -> bool:
        return bool(self.asked.get(_condition(step)))


def _condition(step: str) -> str:
    """No variable is named so."""
    return f"{step}?"
