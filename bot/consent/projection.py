"""Derives a contact's consents from the ledger: pure, so that it can be rebuilt from scratch (law 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from bot.model.contact import Consent, ConsentState, Contact, Head
from bot.model.event import (
    Action,
    ChatOpening,
    ConsentEvent,
    Context,
    Evidence,
    Grade,
    How,
    MergedConsent,
    Source,
    Words,
)
from bot.model.pace import NO_PACE

RESULT = {
    Action.OPT_IN: ConsentState.OPTED_IN,
    Action.CONFIRM: ConsentState.OPTED_IN,
    Action.OPT_OUT: ConsentState.OPTED_OUT,
    Action.REFUSE: ConsentState.OPTED_OUT,
    Action.REQUEST_CONFIRMATION: ConsentState.PENDING,
}
"""The state after each action. `capture_phone` changes none; `expire` and `cancel` revert a request to confirm, and
`restore` brings back what it names."""

PENDING_FOR = timedelta(days=3)
"""How long a confirmation may take. A number that does not reply is not asked again automatically."""

GIVES_ADDRESS = {Action.OPT_IN, Action.CONFIRM, Action.CAPTURE_PHONE, Action.CHANGE_ADDRESS, Action.MERGE}
"""Events whose number or email address becomes the contact's own. An unconfirmed one does not: a typo must not be
locked."""


GRANTS = {Action.OPT_IN, Action.CONFIRM, Action.REQUEST_CONFIRMATION}
SHOWN = {Source.FORM, Source.PREFERENCE_CENTER, Source.BOT}
"""Sources where the person pressed a button next to words that we showed."""
BY_EVIDENCE = {
    How.SPOKEN: Grade.ORAL_ATTESTED,
    How.PAPER: Grade.PAPER,
    How.WRITTEN: Grade.WRITTEN_ELSEWHERE,
    How.OTHER: Grade.ASSERTED,
}


NO_WISH: Mapping[str, object] = NO_PACE.model_dump()
NOBODY: Mapping[str, object] = {"phone": None, "email": None, "consents": (), "pending_until": None, **NO_WISH}
"""The values that an erasure or a merge clears."""


def apply(contact: Contact, event: ConsentEvent) -> Contact:
    """The contact after `event`, which must be the next one of their chain."""
    change: dict[str, object] = {"ledger": Head(seq=event.seq, hash=event.hash)}
    if event.action in GIVES_ADDRESS and not event.stopped:
        change |= {k: v for k, v in (("phone", event.number), ("email", event.email)) if v}
        change |= dict.fromkeys(event.clears or ())
    if event.action is Action.ERASE:
        change |= {**NOBODY, "erased_at": event.at}
    if event.merged_into:
        change |= {**NOBODY, "merged_into": event.merged_into}
    if event.merged:
        consents = _with_merged(contact, event)
        change |= {"consents": consents, "pending_until": _pending_until(consents)}
    if event.pace:
        change |= event.pace.model_dump()
    if _brings_back(contact, event):
        change["archived_at"] = None
    before = contact.consent(event.subscription) if event.subscription else None
    after = _consent_after(event, before)
    if event.subscription and after is not before:
        change |= consent_fields(contact, event.subscription, after)
    return contact.model_copy(update=change)


def _brings_back(contact: Contact, event: ConsentEvent) -> bool:
    """Whether an archived contact acted since."""
    is_own = event.actor.kind == "contact" and event.actor.id == contact.id
    return is_own and contact.archived_at is not None and event.at > contact.archived_at


def consent_fields(contact: Contact, subscription: str, consent: Consent | None) -> dict[str, object]:
    """The fields of the contact with this consent to the subscription in place of theirs; None: they have none."""
    others = (c for c in contact.consents if c.subscription != subscription)
    consents = (*others, *([consent] if consent else []))
    return {"consents": consents, "pending_until": _pending_until(consents)}


def consent_after(subscription: str, events: Iterable[ConsentEvent]) -> Consent | None:
    """The consent to a subscription that these events of one contact leave."""
    found: Consent | None = None
    for event in events:
        if event.action is Action.ERASE or event.merged_into:
            found = None
        elif merged := (event.merged or {}).get(subscription):
            found = _merged(subscription, merged, event)
        elif event.subscription == subscription:
            found = _consent_after(event, found)
    return found


def _consent_after(event: ConsentEvent, before: Consent | None) -> Consent | None:
    """The consent that the event leaves; None: they have not answered."""
    if event.action is Action.RESTORE:
        return before if event.stopped else _restored(event)
    state = state_after(event.action, before, is_stopped=bool(event.stopped))
    if state is None or event.subscription is None:
        return before
    return Consent(
        subscription=event.subscription,
        state=state,
        was=_was(before, state),
        number=event.number,
        email=event.email,
        at=event.at,
        source=event.source,
        event=event.event,
        part=event.context.part,
        grade=event.grade,
        withheld=event.withheld,
        stopped=event.stopped,
    )


def _restored(event: ConsentEvent) -> Consent | None:
    """The consent as it was, with its own time, source and evidence."""
    if event.restored is None or event.subscription is None or event.state is None:
        return None
    return Consent(
        subscription=event.subscription,
        state=event.state,
        number=event.number,
        email=event.email,
        grade=event.grade,
        **event.restored.model_dump(),
    )


def _with_merged(contact: Contact, event: ConsentEvent) -> tuple[Consent, ...]:
    merged = event.merged or {}
    return (
        *(consent for consent in contact.consents if consent.subscription not in merged),
        *(_merged(of, consent, event) for of, consent in merged.items()),
    )


def _merged(subscription: str, consent: MergedConsent, event: ConsentEvent) -> Consent:
    return Consent(
        subscription=subscription,
        state=consent.state,
        was=consent.was,
        number=event.number if consent.address == "number" else None,
        email=event.email if consent.address == "email" else None,
        at=datetime.fromisoformat(consent.at),
        source=consent.source,
        event=consent.event,
        part=consent.part,
        grade=consent.grade,
    )


def _was(before: Consent | None, state: ConsentState) -> ConsentState:
    """An opt-out holds under any number of requests for confirmation."""
    if before and before.is_no and state is ConsentState.PENDING:
        return ConsentState.OPTED_OUT
    return before.state if before else ConsentState.NONE


def state_after(action: Action, before: Consent | None, *, is_stopped: bool = False) -> ConsentState | None:
    """None: no change. After a confirmation expires, an earlier opt-out still holds, but an earlier opt-in doesn't: it
    was for the number before. The same applies to a grant for a number on the stop list (`is_stopped`)."""
    if is_stopped and action in GRANTS:
        return ConsentState.OPTED_OUT if before and before.is_no else ConsentState.NONE
    if action not in {Action.EXPIRE, Action.CANCEL}:
        return RESULT.get(action)
    if before is None or before.state is not ConsentState.PENDING:
        return None
    return ConsentState.OPTED_OUT if before.was is ConsentState.OPTED_OUT else ConsentState.NONE


def grade_of(
    action: Action, source: Source, evidence: Evidence | None, words: Words | None, before: Consent | None
) -> Grade | None:
    """How a grant is documented. A YES by text confirms what was shown on a card, or is itself the consent."""
    if action not in GRANTS:
        return None
    if evidence:
        return BY_EVIDENCE[evidence.how]
    if source is Source.KEYWORD:
        is_shown = before is not None and before.grade is Grade.WRITTEN_SHOWN
        return Grade.WRITTEN_SHOWN if action is Action.CONFIRM and is_shown else Grade.KEYWORD
    return Grade.WRITTEN_SHOWN if source in SHOWN and words else Grade.ASSERTED


def _pending_until(consents: Iterable[Consent]) -> datetime | None:
    times = [c.at for c in consents if c.state is ConsentState.PENDING]
    return min(times) + PENDING_FOR if times else None


def project(contact: Contact, events: Iterable[ConsentEvent]) -> Contact:
    """The contact after all of `events`, whatever was projected before."""
    nothing = {
        "consents": (),
        "ledger": Head(),
        "pending_until": None,
        "erased_at": None,
        "merged_into": None,
        **NO_WISH,
    }
    contact = contact.model_copy(update=nothing)
    for event in events:
        contact = apply(contact, event)
    return contact


def first_contact(event: ConsentEvent) -> Contact | None:
    """The contact that a first event stores; None: it stores none. What an import knows besides, it adds itself."""
    if event.context.creates:
        return Contact(id=event.contact, created_at=event.at, updated_at=event.at)
    return opened_contact(event.contact, event.context)


def opened_contact(id: str, context: Context) -> Contact | None:
    """The contact that a first act creates; None: the context has no opening."""
    return opened_lead(id, context.opening, context.page) if context.opening else None


def opened_lead(id: str, opening: ChatOpening, page: str | None) -> Contact:
    """The lead who opened this chat, as their first act stores them."""
    return Contact(
        id=id,
        locale=opening.locale,
        time_zone=opening.time_zone,
        page=page,
        created_at=opening.at,
        updated_at=opening.at,
        last_seen_at=opening.at,
    )
