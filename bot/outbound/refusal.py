"""Why a text may not leave now, asked at the moment of sending (law 7): pure."""

from __future__ import annotations

from datetime import timedelta

from bot.consent.numbers import address_of
from bot.consent.permission import permission
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.subscription import MessageType, Subscription

SHORT, LONG = (timedelta(minutes=10), 3), (timedelta(days=1), 5)
"""So many texts of this kind one number gets in such a time (what providers advise against flooding)."""


def refusal(
    delivery: Delivery, contact: Contact | None, subscription: Subscription | None, *, stopped: bool
) -> str | None:
    """Why this text may not be sent now (law 7); None: it may. An answer to what somebody just wrote always may."""
    if delivery.kind is DeliveryKind.REPLY:
        return None
    if delivery.kind is DeliveryKind.MESSAGE:
        return _why_no_message(delivery, contact, stopped=stopped)
    if contact is None or subscription is None:
        return "contact_gone"
    consent = contact.consent(subscription.id)
    if delivery.kind is DeliveryKind.ASK:
        return _why_not_ask(delivery, consent, subscription, stopped=stopped)
    address = address_of(contact, MessageType.SMS)
    answer = permission(subscription, consent, address, stopped=stopped)
    if not answer.allowed:
        return answer.reason
    return None if address == delivery.number else "number_changed"


def _why_no_message(delivery: Delivery, contact: Contact | None, *, stopped: bool) -> str | None:
    """An answer to somebody who texted us needs no more consent (CTIA, exhibit II); STOP beats it too."""
    if stopped:
        return "stopped"
    if contact is None:
        return "contact_gone"
    address = address_of(contact, MessageType.SMS)
    if address is None:
        return "no_valid_number"
    return None if address == delivery.number else "number_changed"


def _why_not_ask(
    delivery: Delivery, consent: Consent | None, subscription: Subscription, *, stopped: bool
) -> str | None:
    """The question of a double opt-in is sent once, while its answer is waited for, to the number that was given."""
    if not subscription.is_live:
        return "subscription_not_live"
    if stopped:
        return "stopped"
    waits = consent is not None and consent.state is ConsentState.PENDING and consent.event == delivery.event
    return None if waits else "not_asked_any_more"


def too_many(delivery: Delivery, recent_counts: dict[str, tuple[int, int]]) -> str | None:
    """Counts this text in, if it may be sent: somebody else's number must not be flooded through our forms.

    That a STOP was heard is said whatever was sent before. What a teammate answers has no bound: people write each by
    hand, and only to who texted them.
    """
    if delivery.answer == "stopped" or delivery.kind is DeliveryKind.MESSAGE:
        return None
    short, long = recent_counts.get(delivery.number, (0, 0))
    if short >= SHORT[1] or long >= LONG[1]:
        return "too_many"
    recent_counts[delivery.number] = (short + 1, long + 1)
    return None
