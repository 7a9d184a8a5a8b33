"""Where a contact stands, worked out from the ledger: pure, so that it can be done again from nothing (law 2)."""

from __future__ import annotations

from collections.abc import Iterable

from bot.model.contact import Consent, ConsentState, Contact, Head
from bot.model.event import Action, ConsentEvent

RESULT = {
    Action.OPT_IN: ConsentState.OPTED_IN,
    Action.CONFIRM: ConsentState.OPTED_IN,
    Action.OPT_OUT: ConsentState.OPTED_OUT,
    Action.REFUSE: ConsentState.OPTED_OUT,
    Action.REQUEST_CONFIRMATION: ConsentState.PENDING,
}
"""What each action makes of the state. `capture_phone` makes nothing of it."""

GIVES_ADDRESS = {Action.OPT_IN, Action.CONFIRM, Action.REQUEST_CONFIRMATION, Action.CAPTURE_PHONE}
"""Events whose number or email address becomes the contact's own."""


def apply(contact: Contact, event: ConsentEvent) -> Contact:
    """The contact after `event`, which must be the next one of its line."""
    change: dict[str, object] = {"ledger": Head(seq=event.seq, hash=event.hash)}
    if event.action in GIVES_ADDRESS:
        change |= {k: v for k, v in (("phone", event.number), ("email", event.email)) if v}
    state = RESULT.get(event.action)
    if state and event.subscription:
        consent = Consent(
            subscription=event.subscription,
            state=state,
            number=event.number,
            email=event.email,
            at=event.at,
            source=event.source,
            event=event.event,
            part=event.context.part,
        )
        others = tuple(c for c in contact.consents if c.subscription != event.subscription)
        change["consents"] = (*others, consent)
    return contact.model_copy(update=change)


def project(contact: Contact, events: Iterable[ConsentEvent]) -> Contact:
    """The contact as the whole line of `events` makes it, whatever was projected before."""
    contact = contact.model_copy(update={"consents": (), "ledger": Head()})
    for event in events:
        contact = apply(contact, event)
    return contact
