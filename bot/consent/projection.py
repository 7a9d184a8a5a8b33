"""Where a contact stands, worked out from the ledger: pure, so that it can be done again from nothing (law 2)."""

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
"""What each action makes of the state. `capture_phone` makes nothing of it, and `expire` takes back what was asked."""

PENDING_FOR = timedelta(days=3)
"""How long a confirmation that was asked for is waited for. A number that stays silent is not asked again by itself."""

GIVES_ADDRESS = {Action.OPT_IN, Action.CONFIRM, Action.CAPTURE_PHONE}
"""Events whose number or email address becomes the contact's own. One that still has to be confirmed does not: a typing
error must not be locked."""


def apply(contact: Contact, event: ConsentEvent) -> Contact:
    """The contact after `event`, which must be the next one of its line."""
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
    """A confirmation that lapsed leaves a no as it was, and never a yes: that one was for what they had before."""
    if action is not Action.EXPIRE:
        return RESULT.get(action)
    if before is None or before.state is not ConsentState.PENDING:
        return None
    return ConsentState.OPTED_OUT if before.was is ConsentState.OPTED_OUT else ConsentState.NONE


def _pending_until(consents: Iterable[Consent]) -> datetime | None:
    times = [c.at for c in consents if c.state is ConsentState.PENDING]
    return min(times) + PENDING_FOR if times else None


def project(contact: Contact, events: Iterable[ConsentEvent]) -> Contact:
    """The contact as the whole line of `events` makes it, whatever was projected before."""
    contact = contact.model_copy(update={"consents": (), "ledger": Head(), "pending_until": None})
    for event in events:
        contact = apply(contact, event)
    return contact
