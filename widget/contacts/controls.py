"""The form controls of a condition's editor: how each is drawn is in `templates/contacts/_editor.html`; here is how its
values are read from the address."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from multidict import MultiMapping

from bot.model.filter import When
from widget.contacts.definitions import Options

Raw = dict[str, Any]
"""Fields of a condition as they were submitted."""


@dataclass(frozen=True, slots=True)
class Pick:
    """One of some options."""

    kind: ClassVar[str] = "pick"
    name: str
    label: str
    options: Options
    value: str = ""

    def read(self, given: MultiMapping[str]) -> Raw:
        value = given.get(self.name, "")
        return {self.name: value} if value else {}

    def filled(self, given: MultiMapping[str]) -> Self:
        """As it was submitted."""
        return replace(self, value=given.get(self.name, ""))


@dataclass(frozen=True, slots=True)
class Ticks:
    """Any number of options. `is_long`: with a field to search them."""

    kind: ClassVar[str] = "ticks"
    name: str
    label: str
    options: Options
    values: Collection[str] = ()
    hint: str = ""
    is_long: bool = False

    @property
    def is_set(self) -> bool:
        return bool(self.values)

    def read(self, given: MultiMapping[str]) -> Raw:
        return {self.name: tuple(given.getall(self.name, []))}

    def filled(self, given: MultiMapping[str]) -> Self:
        return replace(self, values=given.getall(self.name, []))


@dataclass(frozen=True, slots=True)
class Typed:
    """One value that people type."""

    kind: ClassVar[str] = "typed"
    name: str
    label: str
    value: str = ""
    type: str = "text"

    def read(self, given: MultiMapping[str]) -> Raw:
        value = given.get(self.name, "").strip()
        return {self.name: (value,) if value else ()}

    def filled(self, given: MultiMapping[str]) -> Self:
        return replace(self, value=given.get(self.name, ""))


@dataclass(frozen=True, slots=True)
class Period:
    """A range of time, each limit optional."""

    kind: ClassVar[str] = "period"
    name: str
    label: str
    limits: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(When.model_fields, ""))
    """By field of `When`."""

    @classmethod
    def of(cls, name: str, label: str, when: When) -> Period:
        limits = {limit: "" if value is None else str(value) for limit, value in when.model_dump().items()}
        return cls(name, label, limits)

    @property
    def is_set(self) -> bool:
        return any(self.limits.values())

    def read(self, given: MultiMapping[str]) -> Raw:
        return {self.name: {limit: value for limit, value in self._limits(given).items() if value}}

    def filled(self, given: MultiMapping[str]) -> Self:
        return replace(self, limits=self._limits(given))

    def _limits(self, given: MultiMapping[str]) -> dict[str, str]:
        return {limit: given.get(f"{self.name}.{limit}", "").strip() for limit in When.model_fields}


@dataclass(frozen=True, slots=True)
class Kept:
    """Values that are chosen elsewhere, and stay as they are."""

    kind: ClassVar[str] = "kept"
    name: str
    values: Collection[str] = ()

    def read(self, given: MultiMapping[str]) -> Raw:
        return {self.name: tuple(given.getall(self.name, []))}

    def filled(self, given: MultiMapping[str]) -> Self:
        return replace(self, values=given.getall(self.name, []))


Control = Pick | Ticks | Typed | Period | Kept
