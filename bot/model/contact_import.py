"""An import of contacts: its file in pieces, what its columns mean, and what it changed, so that it can be undone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from bot.model.base import Document, Value
from bot.model.contact import Consent
from bot.model.event import FollowUp, How

TEXTS = "texts"
"""In place of a subscription: all texts. Such an opt-out puts the number on the stop list."""


class Existing(StrEnum):
    """What to do with the fields of an existing contact. Phone and email are never replaced."""

    UPDATE = "update"
    FILL = "fill"
    """Only empty fields."""
    SKIP = "skip"
    """Consents only."""


class DateOrder(StrEnum):
    """How dates such as 03/04/2025 are meant."""

    MONTH_FIRST = "month_first"
    DAY_FIRST = "day_first"


class ImportPlan(Value):
    """What a teammate decided about a file."""

    targets: tuple[str, ...]
    """By column: a field (`name`, `attribute:plan`), a part of a consent (`consent:<subscription>`), or nothing."""
    region: str = Field(default="US", pattern=r"^[A-Z]{2}$")
    """Country of numbers without a country code."""
    date_order: DateOrder = DateOrder.MONTH_FIRST
    existing: Existing = Existing.UPDATE
    creates: bool = True
    """Whether people who aren't known yet are added."""
    everyone_in: str = ""
    """The subscription that everyone in the file opted in to."""
    everyone_out: str = ""
    """The subscription, or `texts`, that everyone in the file opted out of."""
    how: How | None = None
    """How consent was given. None: nobody knows."""
    given_at: datetime | None = None
    """When consent was given, for rows without a date."""
    note: str = Field(default="", max_length=1000)
    asks: bool = False
    """Whether people are asked to confirm by text, where the subscription has double opt-in."""
    confirmation: bool = False
    """Whether they get the text that confirms a sign-up."""
    flows: bool = False
    """Whether flows react to what the import records."""

    @property
    def sends(self) -> bool:
        """Whether messages may follow from it."""
        return self.asks or self.confirmation or self.flows

    def follow_ups(self, *, is_yes: bool) -> list[FollowUp] | None:
        """Of a consent."""
        wanted = {
            FollowUp.QUESTION: self.asks and is_yes,
            FollowUp.CONFIRMATION: self.confirmation and is_yes,
            FollowUp.FLOWS: self.flows,
        }
        return [what for what, is_wanted in wanted.items() if is_wanted] or None


class ContactImport(Document):
    """One uploaded file. Its rows are in pieces, until they are imported or it expires."""

    file: str
    size: int
    """Bytes."""
    rows: int
    pieces: int
    encoding: str
    delimiter: str
    has_header: bool
    columns: tuple[str, ...]
    preset: str = ""
    plan: ImportPlan | None = None
    check: str | None = None
    """The job of the dry run for this plan."""
    job: str | None = None
    undo: str | None = None
    by: str
    by_name: str
    created_at: datetime
    expires_at: datetime

    @property
    def labels(self) -> list[str]:
        """The columns' names, made unique."""
        names: list[str] = []
        for place, column in enumerate(self.columns, 1):
            name = column or f"Column {place}"
            again = sum(earlier == name or earlier.startswith(f"{name} (") for earlier in names)
            names.append(f"{name} ({again + 1})" if again else name)
        return names


class ImportPiece(Document):
    """Consecutive rows of a file. `_id` is `<import>:<seq>`."""

    of: str
    lines: list[int]
    """Where in the file each row begins."""
    rows: list[list[str]]
    """Empty: done, or about somebody who was erased since."""
    names: list[int] = Field(default_factory=list)
    """Keyed hashes of what may name somebody in it (`bot.contacts.imports.traces`)."""
    erased: list[int] = Field(default_factory=list)
    """The lines of rows about people who were erased."""
    expires_at: datetime
    """The same for all pieces of a file."""

    @staticmethod
    def key(of: str, seq: int) -> str:
        return f"{of}:{seq:06d}"


class ImportChange(Document):
    """What one row changed, stored before the change itself. `_id` is `<job>:<line>`, so that a repeated batch keeps
    what was there before the first."""

    job: str
    line: int
    contact: str
    created: bool = False
    before: dict[str, Any] = Field(default_factory=dict)
    """The fields that it changed, as they were; missing: empty. Attributes as `attributes/<key>`."""
    after: dict[str, Any] = Field(default_factory=dict)
    tags: tuple[str, ...] = ()
    """Those that it added."""
    granted: tuple[str, ...] = ()
    """The subscriptions that it opted in to."""
    opted_out: tuple[Consent, ...] = ()
    """Opt-outs that this overrode: they hold again if the import is undone."""
    at: datetime
