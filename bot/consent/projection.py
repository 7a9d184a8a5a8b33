"""Derives a contact's consents from the ledger: pure, so that it can be rebuilt from scratch (law 2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.model.contact import Consent, ConsentState, Contact, Head
from bot.model.event import Action, ConsentEvent

RESULT = {
    Action.OPT_IN: ConsentState.OPTED_IN,
    Action.CONFIRM: ConsentState.OPTED_IN,
    Action.OPT_OUT: ConsentState.OPTED_OUT,
    Action.REFUSE: ConsentState.OPTED_OUT,
    Action.REQUEST_CONFIRMATION: ConsentState.PENDING,
}
"""The state after each action. `capture_phone` changes none, and `expire` reverts a request for confirmation."""

PENDING_FOR = timedelta(days=3)
"""How long a confirmation may take. A number that does not reply is not asked again automatically."""

GIVES_ADDRESS = {Action.OPT_IN, Action.CONFIRM, Action.CAPTURE_PHONE}
"""Events whose number or email address becomes the contact's own. An unconfirmed one does not: a typo must not be
locked."""


def apply(contact: Contact, event: ConsentEvent) -> Contact:
    """The contact after `event`, which must be the next one of their log."""
    change: dict[str, object] = {"ledger": Head(seq=event.seq, hash=event.hash)}
    if event.action in GIVES_ADDRESS:
        change |= {k: v for k, v in (("phone", event.number), ("email", event.email)) if v}
    before = contact.consent(event.subscription) if event.subscription else None
    state = _state(event.action, before)
    if state and event.subscription:
        consent = Consent(
            subscription=event.subscription,
            state=state,
            was=before.state if before else ConsentState.NONE,
            number=event.number,
            email=event.email,
            at=event.at,
            source=event.source,
            event=event.event,
            part=event.context.part,
        )
        others = tuple(c for c in contact.consents if c.subscription != event.subscription)
        change["consents"] = (*others, consent)
        change["pending_until"] = _pending_until((*others, consent))
    return contact.model_copy(update=change)


def _state(action: Action, before: Consent | None) -> ConsentState | None:
    """An expired confirmation restores an opt-out, and never a yes: that one was for what they had before."""
    if action is not Action.EXPIRE:
        return RESULT.get(action)
    if before is None or before.state is not ConsentState.PENDING:
        return None
    return ConsentState.OPTED_OUT if before.was is ConsentState.OPTED_OUT else ConsentState.NONE


def _pending_until(consents: Iterable[Consent]) -> datetime | None:
    times = [c.at for c in consents if c.state is ConsentState.PENDING]
    return min(times) + PENDING_FOR if times else None


def project(contact: Contact, events: Iterable[ConsentEvent]) -> Contact:
    """The contact after all of `events`, whatever was projected before."""
    contact = contact.model_copy(update={"consents": (), "ledger": Head(), "pending_until": None})
    for event in events:
        contact = apply(contact, event)
    return contact
