"""A person, and where they stand."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from bot.model.base import Document, Value, folded_words
from bot.model.event import FIRST, Source


class ConsentState(StrEnum):
    NONE = "none"
    PENDING = "pending"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"


class Consent(Value):
    """Where a contact stands on one subscription: the last word of the ledger on it."""

    subscription: str
    state: ConsentState
    was: ConsentState = ConsentState.NONE
    """Where they stood before."""
    number: str | None = None
    """The number or address that the answer was given for."""
    email: str | None = None
    at: datetime
    source: Source
    event: str
    part: str | None = None
    """The card on which it was given."""


class ConsentCount(Document):
    """How many contacts stand where on one subscription; the sum of its documents counts, see `ConsentCounts`."""

    subscription: str
    counts: dict[ConsentState, int] = Field(default_factory=dict)


class Head(Value):
    """How far the ledger of this contact has been taken over into `consents`."""

    seq: int = 0
    hash: str = FIRST


class Role(StrEnum):
    USER = "user"
    LEAD = "lead"


class Contact(Document):
    """`consents`, `ledger`, `pending_until`, and a number once it was given with a consent, are a projection of the
    ledger (law 2)."""

    role: Role = Role.LEAD
    external_id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)
    locale: str = "en"
    time_zone: str | None = None
    page: str | None = None
    """The address at which they were last."""
    consents: tuple[Consent, ...] = ()
    ledger: Head = Head()
    pending_until: datetime | None = None
    """When the first of the confirmations that they have not given yet lapses."""
    created_at: datetime
    updated_at: datetime
    last_seen_at: datetime | None = None

    def stored(self) -> dict[str, Any]:
        terms = self.terms
        return {**super().stored(), **({"terms": terms} if terms else {})}

    @property
    def terms(self) -> list[str]:
        """What a search finds them by: words of the name, the email address, the number from its ends of use."""
        digits = "".join(c for c in self.phone or "" if c.isdigit())
        tails = [digits[-n:] for n in (10, 7, 4) if len(digits) > n]
        return list(
            dict.fromkeys([*folded_words(f"{self.name or ''} {self.email or ''}"), *filter(None, [digits]), *tails])
        )

    def consent(self, subscription: str) -> Consent | None:
        return next((c for c in self.consents if c.subscription == subscription), None)
