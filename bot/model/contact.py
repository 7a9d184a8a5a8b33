"""A contact and their consents."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from bot.model.addresses import PhoneFacts, facts_of, is_email, knows_facts, remember_facts
from bot.model.base import Document, Value, folded_words
from bot.model.event import ConsentState, Grade, Source
from bot.model.event_hash import FIRST
from bot.model.form_limits import Limit
from bot.model.pace import Often, Pace

__all__ = ["Consent", "ConsentCounts", "ConsentState", "Contact", "Head", "Role"]


BY_SOURCE = {
    Source.FORM: Grade.WRITTEN_SHOWN,
    Source.PREFERENCE_CENTER: Grade.WRITTEN_SHOWN,
    Source.KEYWORD: Grade.KEYWORD,
    Source.PROFILE: Grade.ORAL_ATTESTED,
}


class Consent(Value):
    """A contact's state on one subscription: the latest event of the ledger about it."""

    subscription: str
    state: ConsentState
    was: ConsentState = ConsentState.NONE
    """The state before; of a second request for confirmation, the one before the first if that is an opt-out."""
    number: str | None = None
    """The number or address the consent was given for."""
    email: str | None = None
    at: datetime
    source: Source
    event: str
    part: str | None = None
    """The card it was given on."""
    grade: Grade | None = None
    """How it is documented; None: not a grant, or recorded before events had one."""
    withheld: Limit | None = None
    """The limit that kept a text from being sent for it: it can be confirmed by texting YES."""
    stopped: bool | None = None
    """They tried to opt in with a number on the stop list, which has no effect."""

    @property
    def is_no(self) -> bool:
        """An opt-out holds until a new consent is confirmed."""
        is_asked = self.state is ConsentState.PENDING and self.was is ConsentState.OPTED_OUT
        return self.state is ConsentState.OPTED_OUT or is_asked

    @property
    def is_grant(self) -> bool:
        return self.grade is not None or self.state in {ConsentState.OPTED_IN, ConsentState.PENDING}

    @property
    def evidence(self) -> Grade:
        """The grade, or the least that the source of an older grant proves."""
        return self.grade or BY_SOURCE.get(self.source, Grade.ASSERTED)


class ConsentCounts(Document):
    """The number of contacts by subscription and state, as of a position in the change stream of events."""

    counts: dict[str, dict[ConsentState, int]] = Field(default_factory=dict)
    """By subscription."""
    token: dict[str, Any]
    """The resume token after the last event that is counted."""
    revision: int = 0
    """Incremented by each write, which must name the revision it read."""
    moved_at: datetime


class Head(Value):
    """The last event that is projected."""

    seq: int = 0
    hash: str = FIRST


NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""`seen_key` of contacts who were never seen, so that they sort with the others."""
NAMELESS = "\uffff"
SPARSE = {"terms", "tags", "stopped", "user_keys"}
"""Fields that are stored only where they have a value."""


class Role(StrEnum):
    USER = "user"
    LEAD = "lead"


class Contact(Document):
    """`consents`, `ledger`, `pending_until`, `paused_until`, `at_most`, `phone`, `email`, `erased_at` and
    `merged_into` are a projection of the ledger (laws 2 and 14)."""

    role: Role = Role.LEAD
    external_id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)
    """Custom attributes by their key."""
    tags: tuple[str, ...] = ()
    """Ids of tags."""
    locale: str = "en"
    time_zone: str | None = None
    page: str | None = None
    """The URL of the page where they were last seen."""
    unverified: dict[str, str] | None = None
    """Which of `name` and `email` came from the page's settings without the site's signature."""
    consents: tuple[Consent, ...] = ()
    ledger: Head = Head()
    pending_until: datetime | None = None
    """When the first pending confirmation expires."""
    paused_until: datetime | None = None
    at_most: Often | None = None
    """The person's own wish (`Pace`)."""
    stopped: bool = False
    """Whether the number is on the stop list. Only for filters: sending asks the list."""
    stop_lifted_at: datetime | None = None
    """When the number's last STOP was lifted (`Stop.revoked_until`), for filters."""
    erased_at: datetime | None = None
    merged_into: str | None = None
    """The contact that this one was merged into."""
    user_keys: tuple[int, ...] = ()
    """Keyed hashes of user IDs that this contact no longer has: uploaded files may name them."""
    undone_at: datetime | None = None
    """When the import that created them was undone: no list shows them."""
    archived_at: datetime | None = None
    """When a program archived them: no list shows them until they are unarchived, or act themselves."""
    created_at: datetime
    updated_at: datetime
    last_seen_at: datetime | None = None
    is_stored: bool = Field(default=True, exclude=True)
    """False: a visitor who has done nothing yet. Their first act stores them."""

    @classmethod
    def load(cls, raw: dict[str, Any]) -> Self:
        phone, facts = raw.get("phone"), raw.get("phone_facts")
        if phone and facts and not knows_facts(phone):
            remember_facts(phone, PhoneFacts(**facts))
        return super().load(raw)

    def stored(self) -> dict[str, Any]:
        """With what lists, searches and filters find them by."""
        raw = {**super().stored(), "consents": self.stored_consents(), **self.keys()}
        if self.phone_facts:
            raw["phone_facts"] = self.phone_facts.model_dump(exclude_none=True)
        return {name: value for name, value in raw.items() if value or name not in SPARSE}

    def stored_consents(self) -> list[dict[str, Any]]:
        """`reaches`: the consent was given for the number or address that is theirs now, and that is valid. `evidence`:
        of a grant, also of one without a grade."""
        own = {self.phone if self.phone_facts and self.phone_facts.takes_texts else None, self.valid_email} - {None}
        return [
            {
                **consent.model_dump(exclude_none=True),
                **({"reaches": True} if {consent.number, consent.email} & own else {}),
                **({"evidence": consent.evidence} if consent.is_grant else {}),
            }
            for consent in self.consents
        ]

    def keys(self) -> dict[str, Any]:
        """The fields that lists sort by and searches use: name, search terms, last seen."""
        return {"terms": self.terms, "name_key": self.name_key, "seen_key": self.seen_key}

    @property
    def name_key(self) -> str:
        """Sorts by name; contacts without a name come last."""
        return " ".join(folded_words(self.name or "")) or NAMELESS

    @property
    def seen_key(self) -> datetime:
        return self.last_seen_at or NEVER

    @property
    def phone_facts(self) -> PhoneFacts | None:
        return facts_of(self.phone) if self.phone else None

    @property
    def valid_email(self) -> str | None:
        return self.email if self.email and is_email(self.email) else None

    @property
    def terms(self) -> list[str]:
        """Search terms: words of the name, the email address and the external id, and the number with its usual
        endings."""
        digits = "".join(filter(str.isdigit, self.phone or ""))
        tails = [digits[-n:] for n in (10, 7, 4) if len(digits) > n]
        national = self.phone_facts.national if self.phone_facts else ""
        words = folded_words(f"{self.name or ''} {self.email or ''} {self.external_id or ''}")
        return list(dict.fromkeys([*words, *filter(None, [digits, national]), *tails]))

    def is_unverified(self, field: str) -> bool:
        """Whether the value of `name` or `email` is unverified."""
        value = getattr(self, field)
        return value is not None and (self.unverified or {}).get(field) == value

    @property
    def pace(self) -> Pace:
        return Pace(paused_until=self.paused_until, at_most=self.at_most)

    @property
    def is_gone(self) -> bool:
        """Erased, or merged into another contact: nothing more is recorded for them."""
        return self.erased_at is not None or self.merged_into is not None

    def consent(self, subscription: str) -> Consent | None:
        return next((c for c in self.consents if c.subscription == subscription), None)
