"""One line of the ledger: who, what, when, from where, by what source, and the exact words they were shown."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from json import JSONEncoder
from typing import Any

import rfc8785
from pydantic import Field

from bot.model.base import Document, Value, iso

_canonical_json = JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode
"""RFC 8785 for what an event holds: texts, whole numbers, and names of fields, which are ASCII. Tests compare it with
the library's, which takes all of JSON and six times as long."""


class Action(StrEnum):
    OPT_IN = "opt_in"
    OPT_OUT = "opt_out"
    REFUSE = "refuse"
    REQUEST_CONFIRMATION = "request_confirmation"
    CONFIRM = "confirm"
    CAPTURE_PHONE = "capture_phone"
    EXPIRE = "expire"
    """A confirmation that was asked for and did not come in time."""


class Source(StrEnum):
    FORM = "form"
    PREFERENCE_CENTER = "preference_center"
    KEYWORD = "keyword"
    PROFILE = "profile"
    BULK = "bulk"
    API = "api"
    IMPORT = "import"
    BOT = "bot"
    SYSTEM = "system"
    """Nobody's act: time went by."""


class Actor(Value):
    """Whose act it was: the contact's own, a teammate's, a bot's, or the API's."""

    kind: str = Field(pattern="^(contact|teammate|bot|api|system)$")
    id: str


class How(StrEnum):
    SPOKEN = "spoken"
    PAPER = "paper"
    OTHER = "other"


class Evidence(Value):
    """How a person gave the consent that a teammate wrote down for them (47 CFR 64.1200(f)(9) wants it in writing for
    marketing; whoever relies on a consent has to prove it)."""

    how: How
    note: str = Field(default="", max_length=1000)


class Words(Value):
    """What the person was shown, word for word (47 CFR 64.1200(f)(9); EDPB 05/2020, 108; CTIA 5.1.2)."""

    title: str = ""
    button: str = ""
    legal_text: str = ""
    subscription_name: str
    subscription_description: str = ""
    locale: str
    act: str
    """The affirmative act, for people who read the proof: `pressed "Sign Up Now"`."""
    subscription_version: int | None = None
    """Which version of the subscription they are of: its history tells who wrote them, and when."""

    @property
    def version(self) -> str:
        """Names these words and no others: the submit carries it, so that nobody agrees to words they did not see.

        A new version of the subscription that says the same is no change of words.
        """
        shown = self.subscription_name, self.subscription_description
        return _version(self.title, self.button, self.legal_text, *shown, self.locale, self.act)


@lru_cache(maxsize=4096)
def _version(*words: str) -> str:
    return sha256(rfc8785.dumps(list(words))).hexdigest()[:16]


class Context(Value):
    """Where it happened."""

    conversation: str | None = None
    part: str | None = None
    page: str | None = None
    ip: str | None = None
    user_agent: str | None = None


NOWHERE = Context()


class ConsentEvent(Document):
    """Append-only. `_id` is `<contact>:<seq>`, so a second writer of one sequence number is refused by the `_id`
    index."""

    event: str
    """ULID: the id by which proofs, texts and people name it."""
    contact: str
    seq: int
    subscription: str | None = None
    action: Action
    source: Source
    actor: Actor
    number: str | None = None
    """E.164: the number that the consent is for."""
    email: str | None = None
    replaced: str | None = None
    """The number or address that the contact had until then, where this one took its place: the ledger forgets none."""
    at: datetime
    words: Words | None = None
    context: Context = NOWHERE
    evidence: Evidence | None = None
    """Where a teammate wrote it down for the person."""
    key: str
    """Idempotency key, `<contact>:<the key of the request>`."""
    previous: str
    """Hash of the event before it; of the first one, 64 zeros."""
    hash: str = ""

    def canonical(self) -> dict[str, Any]:
        """What the hash is made over: all fields that are there, the hash itself apart, times as ISO 8601 in UTC.

        Fields that are not there are left out, so that a field which later versions add changes no old hash.
        """
        raw = self.model_dump(by_alias=True, exclude_none=True, exclude={"hash"})
        raw["at"] = iso(self.at)
        return raw

    def computed_hash(self) -> str:
        """SHA-256 over RFC 8785 canonical JSON, the hash before it included, in lower hex."""
        return sha256(_canonical_json(self.canonical()).encode()).hexdigest()


FIRST = "0" * 64
