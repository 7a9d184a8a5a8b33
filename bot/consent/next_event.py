"""Builds the event that records a change: pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any

from bot.compliance.revocation import policy_at
from bot.consent.changes import ConsentChange
from bot.consent.projection import GIVES_ADDRESS, grade_of, state_after
from bot.model.base import new_ulid
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.event import CREATES, NOWHERE, Action, ConsentEvent, Context, Restored

REVOKES = {Action.OPT_OUT, Action.REFUSE}
AS_IN_CHANGE = (
    "subscription", "action", "source", "actor", "number", "email", "clears", "redacted", "merged_into", "merged_from",
    "merged", "pace", "withheld", "flow", "flow_version", "flow_step", "message", "words", "evidence", "follow_ups",
)  # fmt: skip
"""Fields that an event takes from the change as they are."""
_as_in_change = attrgetter(*AS_IN_CHANGE)


def next_event(
    contact: Contact,
    change: ConsentChange,
    at: datetime,
    sign: Callable[[str], str] | None = None,
    *,
    is_stopped: bool = False,
) -> tuple[ConsentEvent, dict[str, Any]]:
    """The next event of the contact's chain, as a model and as stored. `is_stopped`: the number of a grant is on the
    stop list."""
    seq = contact.ledger.seq + 1
    before = contact.consent(change.subscription) if change.subscription else None
    was = before.state if before else ConsentState.NONE
    is_stopped = is_stopped and change.is_grant
    old = change.restores
    grade = grade_of(change.action, change.source, change.evidence, change.words, before)
    taken = zip(AS_IN_CHANGE, _as_in_change(change), strict=True)
    return ConsentEvent.new(
        **dict(taken),
        sign=sign,
        id=f"{contact.id}:{seq:010d}",
        event=new_ulid(at),
        contact=contact.id,
        seq=seq,
        replaced=None if is_stopped else replaced(contact, change),
        was=was if change.subscription else None,
        state=_state(change, before, is_stopped=is_stopped) if change.subscription else None,
        left={c.subscription: c.state for c in contact.consents} or None if leaves(change) else None,
        grade=old.evidence if old and change.is_grant else grade,
        stopped=is_stopped or None,
        policy=policy_at(at).version if change.action in REVOKES else None,
        restored=Restored(event=old.event, was=old.was, at=old.at, source=old.source, part=old.part) if old else None,
        at=at,
        context=_context(contact, change),
        key=change.log_key,
        previous=contact.ledger.hash,
    )


def _context(contact: Contact, change: ConsentChange) -> Context:
    is_added = not contact.is_stored and contact.ledger.seq == 0 and change.context is NOWHERE
    return CREATES if is_added else change.context


def _state(change: ConsentChange, before: Consent | None, *, is_stopped: bool) -> ConsentState:
    was = before.state if before else ConsentState.NONE
    if change.action is Action.RESTORE and not is_stopped:
        return change.restores.state if change.restores else ConsentState.NONE
    return state_after(change.action, before, is_stopped=is_stopped) or was


def leaves(change: ConsentChange) -> bool:
    """Whether all of the contact's consents end with it."""
    return change.action is Action.ERASE or change.merged_into is not None


def replaced(contact: Contact, change: ConsentChange) -> str | None:
    """The number or address that this change replaces."""
    pairs = ((contact.phone, change.number, "phone"), (contact.email, change.email, "email"))
    gives, clears = change.action in GIVES_ADDRESS, change.clears or ()
    return next((old for old, new, name in pairs if gives and old and (name in clears or (new and old != new))), None)
