"""One contact's copy of a text that we send, and what a phone got or wrote."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from bot.model.base import Document


class DeliveryState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    BLOCKED = "blocked"
    """Permission was gone at the moment of sending (law 7)."""
    UNKNOWN = "unknown"
    """Handed to the provider and never heard of again: reconciled, not sent again (law 8)."""


class DeliveryKind(StrEnum):
    CONFIRMATION = "confirmation"
    """Says that a sign-up counts (CTIA 5.1.2.1)."""
    ASK = "ask"
    """Asks for the YES of a double opt-in."""
    REPLY = "reply"
    """Answers a keyword: the person has just written, so it may leave whatever they said (47 CFR 64.1200(a)(12))."""
    MESSAGE = "message"
    """What a teammate answers somebody who texted us: no marketing, so it needs no consent, but no STOP either."""


class Delivery(Document):
    """`_id` is made of what caused it, so one cause makes one delivery."""

    contact: str
    """Empty for a reply to a number that nobody has."""
    subscription: str = ""
    """Empty for a reply or a message: it is about all of them, or none."""
    kind: DeliveryKind
    event: str
    """The consent event that allowed it; of a reply, the id of the text that it answers; of a message,
    its entry in the conversation."""
    answer: str | None = None
    """Of a reply: which one, `stopped`, `started`, `help`."""
    number: str
    locale: str
    state: DeliveryState = DeliveryState.QUEUED
    reason: str | None = None
    body: str | None = None
    """As it was sent, the secret of the preference link masked; of a message, from the start."""
    provider_id: str | None = None
    worker: str | None = None
    checked_at: datetime | None = None
    """When permission was asked."""
    created_at: datetime
    updated_at: datetime


class PhoneText(Document):
    """A text on the simulated phone: what the provider's network would hold."""

    number: str
    incoming: bool
    """True: from the business to the phone."""
    body: str
    at: datetime
    key: str | None = None
