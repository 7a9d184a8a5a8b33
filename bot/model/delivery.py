"""One contact's copy of a text that we send, and what the simulated phone wrote."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from bot.model.base import Document, Value


class DeliveryState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    """Claimed by a worker; with `ask_at`, also handed to the provider."""
    SENT = "sent"
    FAILED = "failed"
    BLOCKED = "blocked"
    """Permission was gone at the moment of sending (law 7), or the phone had too many texts."""
    UNKNOWN = "unknown"
    """Handed to the provider, which can't say what became of it: not sent again (law 8)."""


class DeliveryKind(StrEnum):
    """What each says, and when it may leave: `bot/outbound/kinds`."""

    CONFIRMATION = "confirmation"
    CONFIRMED = "confirmed"
    ASK = "ask"
    REPLY = "reply"
    MESSAGE = "message"


class DeliveryLink(Value):
    """The link to the preference center that a text carries."""

    hash: str
    """SHA-256 of its token: the token itself is stored nowhere (law 11)."""
    expires_at: datetime
    revoked_at: datetime | None = None


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
    part: str | None = None
    """Of an automatic text: its entry in the conversation by text, where there is one."""
    number: str
    locale: str
    origins: tuple[str, ...] | None = None
    """Of one that a form caused: the client's network and the number's block, by which forms are limited."""
    link: DeliveryLink | None = None
    state: DeliveryState = DeliveryState.QUEUED
    reason: str | None = None
    body: str | None = None
    """As it was sent, the token of its link masked; of a message, from the start."""
    provider_id: str | None = None
    """Missing where the provider uses our id."""
    due_at: datetime | None = None
    """When a worker may take it: to send it for the first time or again, or because a claim lapsed. Missing once it
    is handed over."""
    ask_at: datetime | None = None
    """Of one that was handed over: when to ask the provider what became of it. Missing once that is known."""
    worker: str | None = None
    """The round of a worker that claimed it last: only that round may hand it over and store a result."""
    attempts: int = 0
    """How often the provider refused it for the time being."""
    checked_at: datetime | None = None
    """When permission was asked."""
    created_at: datetime
    updated_at: datetime

    @property
    def entry(self) -> str | None:
        """Its entry in a conversation by text."""
        return self.event if self.kind is DeliveryKind.MESSAGE else self.part


class PhoneText(Document):
    """A text on the simulated phone. Stored are those that the phone wrote; what it got are deliveries."""

    number: str
    incoming: bool
    """True: from the business to the phone."""
    body: str
    at: datetime
    key: str | None = None
