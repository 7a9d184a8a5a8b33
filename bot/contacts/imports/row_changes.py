"""What a row of an import changes: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from bot.consent.changes import ConsentChange
from bot.contacts.imports.rows import Fault, WantedRow
from bot.model.contact import Contact, Role
from bot.model.contact_import import ImportPlan
from bot.model.event import Action, Actor
from bot.model.subscription import MessageType, Subscription

FIELDS = ("role", "external_id", "name", "locale", "time_zone")
"""The fields of a contact that a row can set, without addresses, attributes and tags."""


@dataclass(frozen=True, slots=True)
class ImportTerms:
    """What is the same for all rows of an import."""

    job: str
    plan: ImportPlan
    actor: Actor
    subscriptions: Mapping[str, Subscription]
    """The live ones."""
    texts: Sequence[Subscription]
    """Every SMS subscription: an opt-out of all texts opts out of each."""
    tags: Mapping[str, str]
    """Ids by folded name."""
    at: datetime


@dataclass(slots=True)
class RowChanges:
    row: WantedRow
    contact: Contact | None = None
    """As they are before, or as they are created."""
    is_new: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    """Ids that the contact does not have yet."""
    changes: list[ConsentChange] = field(default_factory=list)
    already: list[tuple[Contact, str, Action]] = field(default_factory=list)
    """Consents that are as the file says, and the key under which this row may have recorded them before a crash."""
    faults: list[Fault] = field(default_factory=list)
    """Why the row isn't imported."""
    left: list[Fault] = field(default_factory=list)
    """Why parts of the row aren't imported."""
    recorded: int = 0
    """Events that the ledger took."""
    stops: str = ""
    """The number to put on the stop list."""

    addresses: dict[str, str] = field(default_factory=dict)
    """The `phone` and `email` that the contact did not have."""
    spare: Callable[[], ConsentChange] | None = None
    """Makes what keeps the number if the consent that would have brought it is refused."""

    @property
    def before(self) -> dict[str, Any]:
        """The fields that it changes, as they are."""
        if self.is_new or self.contact is None:
            return {"role": Role.LEAD, "locale": "en"}
        fields = {name: getattr(self.contact, name) for name in self.values}
        return fields | {f"attributes/{key}": self.contact.attributes.get(key) for key in self.attributes}

    @property
    def after(self) -> dict[str, Any]:
        values, attributes = self.values, self.attributes
        if self.is_new and self.contact:
            values = {name: value for name in FIELDS if (value := getattr(self.contact, name)) is not None}
            attributes = self.contact.attributes
        return {**values, **{f"attributes/{key}": value for key, value in attributes.items()}, **self.addresses}

    @property
    def changes_something(self) -> bool:
        is_other = self.values or self.attributes or self.tags or self.changes
        return self.contact is not None and bool(self.is_new or is_other)


class RowAddresses(NamedTuple):
    email: str | None
    number: str | None

    def reached_by(self, subscription: Subscription) -> str | None:
        return self.number if subscription.message_type is MessageType.SMS else self.email


def row_key(job: str, line: int, what: str) -> str:
    """The idempotency key of what a row records: by it the undo finds the event."""
    return f"import:{job}:{line}:{what}"
