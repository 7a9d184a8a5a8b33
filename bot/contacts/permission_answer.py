"""Whether a person can be sent messages of a subscription now, the rule that decides it, and the event behind it: pure.

Without caps and quiet hours, which only delay a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.consent.numbers import address_of
from bot.consent.permission import Permission, permission
from bot.model.base import now
from bot.model.contact import Consent, Contact
from bot.model.stop import Stop
from bot.model.subscription import MessageType, Subscription

BY_CONSENT = {"opted_in", "opted_out", "pending", "number_changed", "weak_evidence"}
"""Reasons that a consent event is behind."""


@dataclass(frozen=True, slots=True)
class PermissionAnswer:
    subscription: Subscription
    permission: Permission
    address: str | None
    """Where its messages would go."""
    consent: Consent | None
    """The consent that decides; None: something else does."""
    stopped_at: datetime | None
    """When the number texted the STOP that decides."""
    paused_until: datetime | None = None
    """The person's own pause, if it decides."""


def permission_answer(
    contact: Contact, subscription: Subscription, stop: Stop | None, at: datetime | None = None
) -> PermissionAnswer:
    """`stop`: of the contact's number."""
    is_text = subscription.message_type is MessageType.SMS
    at = at or now()
    address, consent = address_of(contact, subscription.message_type), contact.consent(subscription.id)
    stop = stop if is_text else None
    judged = permission(
        subscription,
        consent,
        address,
        stopped=stop is not None and stop.holds,
        revoked_until=stop.revoked_until if stop else None,
    )
    is_paused = is_text and judged.allowed and contact.pace.is_paused(at)
    if is_paused:
        judged = Permission(False, "paused_by_person")
    return PermissionAnswer(
        subscription,
        judged,
        address,
        consent if judged.reason in BY_CONSENT else None,
        stop.at if stop and judged.reason == "stopped" else None,
        contact.paused_until if is_paused else None,
    )
