"""Which contacts `verify --repair` may rebuild without hiding a cut, and the note that each repair leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.consent.checkpoints import CheckpointLog
from bot.consent.projection import project
from bot.model.checkpoint import LedgerNote
from bot.model.contact import Contact
from bot.model.event import ConsentEvent

MOST = 500
"""Contacts that are remembered; when the checkpoints name more, no contact is rebuilt."""


@dataclass(slots=True)
class RepairGuard:
    """Decides whether a contact may be rebuilt from their events. Each repair is noted in the checkpoints first."""

    log: CheckpointLog
    distrusted: set[str] = field(default_factory=set)
    """Contacts whose events the checkpoints contradict."""
    is_damaged: bool = False
    """The checkpoints themselves can't be relied on, or contradict more contacts than are remembered."""

    async def allows(self, contact: Contact, events: Sequence[ConsentEvent]) -> bool:
        is_behind = _is_behind(contact, events)
        if contact.id in self.distrusted or (self.is_damaged and not is_behind):
            return False
        await self.log.note(LedgerNote(contact=contact.id, text=_trace(contact, project(contact, events), is_behind)))
        return True


def _is_behind(contact: Contact, events: Sequence[ConsentEvent]) -> bool:
    """It equals the state after an earlier event, as after a crash."""
    seq = contact.ledger.seq
    return seq < len(events) and states(project(contact, events[:seq])) == states(contact)


def states(contact: Contact) -> object:
    return (
        {consent.subscription: consent for consent in contact.consents},
        contact.ledger,
        contact.phone,
        contact.email,
    )


def _trace(contact: Contact, right: Contact, is_behind: bool) -> str:
    if is_behind:
        return f"was updated from event {contact.ledger.seq} to {right.ledger.seq}"
    before, after = ({c.subscription: c.state.value for c in side.consents} for side in (contact, right))
    changed = [
        f"{id} was {before.get(id, 'none')}, is {after.get(id, 'none')}"
        for id in sorted(before.keys() | after.keys())
        if before.get(id) != after.get(id)
    ]
    if (contact.phone, contact.email) != (right.phone, right.email):
        changed.append("the number or email address differed")
    if contact.ledger != right.ledger:
        changed.append(f"the head was event {contact.ledger.seq}, is {right.ledger.seq}")
    return f"was rebuilt because it differed from its events: {'; '.join(changed) or 'details of a consent'}"
