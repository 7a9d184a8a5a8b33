"""An entry of the ledger: who, what, when, where, source, and the exact words that were shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any

import rfc8785
from pydantic import Field

from bot.model.base import Document, Value, random_hex
from bot.model.event_hash import FORMAT, canonical, event_hash, personal_in
from bot.model.form_limits import Limit
from bot.model.pace import Pace


class ConsentState(StrEnum):
    NONE = "none"
    PENDING = "pending"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"


class Grade(StrEnum):
    """How a grant is documented, the strongest first."""

    WRITTEN_SHOWN = "written_shown"
    """The person said yes to words that we showed."""
    KEYWORD = "keyword"
    """The person texted it."""
    WRITTEN_ELSEWHERE = "written_elsewhere"
    PAPER = "paper"
    ORAL_ATTESTED = "oral_attested"
    """A teammate recorded what they were told."""
    ASSERTED = "asserted"
    """Claimed without evidence."""


class Action(StrEnum):
    OPT_IN = "opt_in"
    OPT_OUT = "opt_out"
    REFUSE = "refuse"
    REQUEST_CONFIRMATION = "request_confirmation"
    CONFIRM = "confirm"
    CAPTURE_PHONE = "capture_phone"
    CANCEL = "cancel"
    """The person canceled a request for confirmation to enter another number."""
    EXPIRE = "expire"
    """The confirmation did not arrive in time."""
    RESTORE = "restore"
    """The person undid their change in the preference center, or a teammate undid an import: the previous consent is in
    force again."""
    CHANGE_ADDRESS = "change_address"
    """Another number or email address, or none (`clears`), without a consent."""
    SET_PACE = "set_pace"
    """The person asks for a pause or for fewer texts, or takes that back (`pace`): no consent changes."""
    ERASE = "erase"
    """The person's data is deleted: earlier events of the chain lose their personal values."""
    MERGE = "merge"
    """Two contacts are one person: an event in both chains, which names the other one."""


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
    """Nobody acted: time passed."""


FOR_MANY = frozenset({Source.BULK, Source.API, Source.IMPORT})
"""Sources that change many people at once. Nothing is sent and no flow reacts unless the change requests it
(`FollowUp`)."""


class FollowUp(StrEnum):
    """The consequences that a change from one of the `FOR_MANY` sources can request."""

    CONFIRMATION = "confirmation"
    """The text that confirms a sign-up."""
    QUESTION = "question"
    """The text that asks to confirm a double opt-in."""
    FLOWS = "flows"
    """Flows react to it."""


class Actor(Value):
    """Who acted."""

    kind: str = Field(pattern="^(contact|teammate|bot|api|system)$")
    id: str


class How(StrEnum):
    SPOKEN = "spoken"
    PAPER = "paper"
    WRITTEN = "written"
    """Not on paper, and not in our own form: by email, or on another site."""
    OTHER = "other"


class Evidence(Value):
    """How and when a person gave a consent that someone else records (47 CFR 64.1200(f)(9) requires it in writing for
    marketing; the sender has to prove it)."""

    how: How
    given_at: datetime | None = None
    """Missing in events from before it was asked."""
    note: str = Field(default="", max_length=4000)


class Words(Value):
    """What the person was shown, word for word (47 CFR 64.1200(f)(9); EDPB 05/2020, 108; CTIA 5.1.2), and their act.

    A text of their own, such as a STOP, has an act and nothing that was shown."""

    title: str = ""
    button: str = ""
    legal_text: str = ""
    subscription_name: str = ""
    subscription_description: str = ""
    locale: str = ""
    """The language of these words; empty where nothing was shown."""
    act: str = ""
    """The affirmative act, for people who read the proof: `pressed "Sign Up Now"`."""
    box: str | None = None
    """The text of the consent box, which the person ticked; None: there was no box."""
    subscription_version: int | None = None
    """The version of the subscription: its history tells who wrote the words, and when."""
    keyword: str | None = None
    keyword_version: int | None = None
    """The keyword program that was texted, and its version. It names these words, unless `context.page` is a public
    form, whose words they are."""

    @property
    def version(self) -> str:
        """Identifies these words: a submission carries it, so nobody can agree to words that they did not see.

        A new version of the subscription with the same words has the same one.
        """
        shown = self.subscription_name, self.subscription_description
        box = [self.box] if self.box else []
        return _version(self.title, self.button, self.legal_text, *box, *shown, self.locale, self.act)


@lru_cache(maxsize=4096)
def _version(*words: str) -> str:
    return sha256(rfc8785.dumps(list(words))).hexdigest()[:16]


class Restored(Value):
    """The consent that a `restore` puts back in force, as it was: where it came from."""

    event: str
    was: ConsentState
    at: datetime
    source: Source
    part: str | None = None


class ChatOpening(Value):
    """A chat that was opened without a write: the data that stores its contact and conversation with the first act."""

    conversation: str
    flow: str | None = None
    flow_version: int | None = None
    """The flow that greeted, and the version of it."""
    message: str | None = None
    """The outbound chat message shown below the greeting."""
    locale: str = "en"
    time_zone: str | None = None
    asked: dict[str, str] | None = None
    """What the greeting asked about the person (`bot.flows.asked`). Such a chat is stored before its first act is
    recorded, so no event contains it."""
    at: datetime


class Context(Value):
    """Where it happened."""

    conversation: str | None = None
    part: str | None = None
    page: str | None = None
    text: str | None = None
    """The text (its delivery) whose link led there."""
    ip: str | None = None
    user_agent: str | None = None
    via: str | None = None
    """The API token that handed it over: another bot or site showed the form."""
    opening: ChatOpening | None = None
    """Of the contact's first act: the contact and the conversation may not exist yet."""
    creates: bool | None = None
    """Of the first event of a contact whom an import adds: it stores them."""

    @property
    def stores_contact(self) -> bool:
        return self.opening is not None or bool(self.creates)


NOWHERE = Context()
CREATES = Context(creates=True)


class MergedConsent(Value):
    """A consent that a merge takes over from the other contact's chain, where its event and its words are."""

    state: ConsentState
    held: ConsentState
    """The state of the kept contact until then."""
    was: ConsentState
    """The other contact's state before `event`."""
    at: str
    """When it was given or revoked, as `iso` writes it."""
    source: Source
    event: str
    grade: Grade | None = None
    part: str | None = None
    address: str | None = None
    """What it is for: the event's `number` or its `email`; None: an address that isn't kept."""


class ConsentEvent(Document):
    """Append-only. `_id` is `<contact>:<seq>`, so a second writer of one sequence number is refused by the `_id`
    index."""

    format: int | None = None
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
    """The contact's number or address before, if this one replaced it."""
    clears: list[str] | None = None
    """Of a `change_address`: `phone` or `email`, where the contact has none from then on."""
    was: ConsentState | None = None
    """The contact's consent to the subscription before and after it."""
    state: ConsentState | None = None
    left: dict[str, ConsentState] | None = None
    """Of an `erase`, or a `merge` into another contact: the contact's consents before it, by subscription."""
    redacted: dict[str, str] | None = None
    """Of an `erase`: by sequence, what each event of format 1 hashes to without its personal values."""
    merged_into: str | None = None
    """Of a `merge`, in the chain that ends: the contact that is kept."""
    merged_from: str | None = None
    """Of a `merge`, in the kept contact's chain: the contact merged into it. `number` and `email` are the kept
    contact's from this event on."""
    merged: dict[str, MergedConsent] | None = None
    """Of a `merge`: by subscription, what the kept contact's consent becomes."""
    grade: Grade | None = None
    """Of a grant."""
    stopped: bool | None = None
    """Of a grant: its number was on the stop list, so it has no effect, even after a START."""
    withheld: Limit | None = None
    """Of a grant in a form or the preference center: the limit that kept a text from following it."""
    policy: str | None = None
    """Of an opt-out or a refusal: the version of the revocation policy in force (`bot/compliance/revocation.py`)."""
    pace: Pace | None = None
    """Of a `set_pace`, or a `merge` in the kept contact's chain: what the person's wish is from then on."""
    restored: Restored | None = None
    """Of a `restore`; missing where the person had not answered before."""
    flow: str | None = None
    flow_version: int | None = None
    """The flow whose step asked, and its version."""
    flow_step: str | None = None
    """The step, and the variant of its words if it has several: `form`, or `form/b`."""
    message: str | None = None
    """The outbound chat message whose form asked."""
    at: datetime
    words: Words | None = None
    context: Context = NOWHERE
    evidence: Evidence | None = None
    """If a teammate recorded it for the person."""
    follow_ups: list[FollowUp] | None = None
    """The consequences that a change for many people requested."""
    key: str
    """Idempotency key, `<contact>:<the key of the request>`."""
    previous: str
    """Hash of the event before it; of the first one, 64 zeros."""
    hash: str = ""
    salts: dict[str, str] | None = None
    """By JSON Pointer, 16 random bytes in hex for each personal value that is there. Not in the hash."""
    commitments: dict[str, str] | None = None
    """By JSON Pointer, the commitments of erased values."""
    signature: str | None = None
    """`<fingerprint of the key>:<HMAC-SHA256 of the hash>`: the application wrote it. Not in the hash."""

    @classmethod
    def new(cls, *, sign: Callable[[str], str] | None = None, **values: Any) -> tuple[ConsentEvent, dict[str, Any]]:
        """An event with salts and hash, and as it is stored. `sign` makes its signature of its hash."""
        there = {name: value for name, value in values.items() if value is not None}
        raw = {"_id": there["id"], "format": FORMAT, **there}
        del raw["id"]
        for name in ("actor", "words", "context", "evidence", "restored", "pace"):
            if name in raw:
                raw[name] = _dumped(raw[name])
        if "merged" in raw:
            raw["merged"] = {of: consent.model_dump(exclude_none=True) for of, consent in raw["merged"].items()}
        paths = personal_in(raw)
        random = random_hex(16 * len(paths))
        salts = {path: random[32 * i : 32 * i + 32] for i, path in enumerate(paths)}
        if salts:
            raw["salts"] = salts
        raw["hash"] = event_hash(raw)
        if sign:
            raw["signature"] = sign(raw["hash"])
        more = {"hash": raw["hash"], "signature": raw.get("signature")}
        return cls(format=FORMAT, **there, salts=salts or None, **more), raw

    def canonical(self) -> dict[str, Any]:
        """The input of the hash, see `canonical`."""
        return canonical(self.stored())

    def computed_hash(self) -> str:
        """SHA-256 over RFC 8785 canonical JSON, the hash before it included, in lower hex. See docs/proof.md."""
        return event_hash(self.stored())

    @property
    def changes_state(self) -> bool:
        """Whether the contact's consent to a subscription is another one after it."""
        return self.state is not None and self.state != self.was

    def leads_to(self, what: FollowUp) -> bool:
        """Whether this follow-up applies. Always for a person's own act and for one recorded by a teammate."""
        return self.source not in FOR_MANY or what in (self.follow_ups or ())

    def moves(self) -> dict[tuple[str, ConsentState], int]:
        """Its change of the counts by subscription and state."""
        merged = {of: (consent.held, consent.state) for of, consent in (self.merged or {}).items()}
        return moves(self.subscription, self.was, self.state, self.left, merged)


def _dumped(value: Value) -> dict[str, Any]:
    """As `model_dump` gives it, in a third of its time: only an opening is a value in a value."""
    there = {name: part for name, part in value.__dict__.items() if part is not None}
    if "opening" in there:
        there["opening"] = there["opening"].model_dump(exclude_none=True)
    return there


def moves(
    subscription: str | None,
    was: ConsentState | None,
    state: ConsentState | None,
    left: Mapping[str, ConsentState] | None,
    merged: Mapping[str, tuple[ConsentState, ConsentState]] | None = None,
) -> dict[tuple[str, ConsentState], int]:
    """What an event changes in the counts of people by subscription and state."""
    moved = dict.fromkeys((left or {}).items(), -1)
    changes = {**(merged or {}), **({subscription: (was, state)} if subscription and was and state else {})}
    for of, (before, after) in changes.items():
        if before != after:
            moved |= {(of, before): -1, (of, after): 1}
    return {(of, in_state): by for (of, in_state), by in moved.items() if in_state != ConsentState.NONE}
