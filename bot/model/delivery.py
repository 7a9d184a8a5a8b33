"""One contact's copy of a text that we send, and what a phone got or wrote."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

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


class Delivery(Document):
    """`_id` is made of what caused it, so one cause makes one delivery."""

    contact: str
    subscription: str
    kind: Literal["confirmation"]
    event: str
    """The consent event that allowed it."""
    number: str
    locale: str
    state: DeliveryState = DeliveryState.QUEUED
    reason: str | None = None
    body: str | None = None
    """As it was sent; the secret of the preference link is masked."""
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
