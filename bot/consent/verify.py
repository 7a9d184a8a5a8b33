"""Walks the whole ledger: every chain whole and unedited, every projection as the chain says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from bot.consent.projection import FIRST, apply, fault
from bot.model.contact import Contact, Head
from bot.model.event import ConsentEvent
from bot.store import Store


@dataclass(slots=True)
class Report:
    contacts: int = 0
    events: int = 0
    faults: list[str] = field(default_factory=list)
    """Chains that are broken, each by its first fault; they can't be repaired, only explained."""
    stale: list[str] = field(default_factory=list)
    """Contacts whose projection differs from their chain."""
    repaired: int = 0

    @property
    def is_whole(self) -> bool:
        return not self.faults and len(self.stale) == self.repaired


@dataclass(slots=True)
class _Chain:
    contact: str
    seq: int = 0
    hash: str = FIRST
    fault: str | None = None
    events: list[ConsentEvent] = field(default_factory=list)

    def take(self, event: ConsentEvent) -> None:
        self.events.append(event)
        self.fault = self.fault or fault(event, self.seq + 1, self.hash)
        self.seq, self.hash = event.seq, event.hash


async def verify(store: Store, *, repair: bool, progress: Callable[[int], None] = lambda events: None) -> Report:
    """Memory does not grow with the ledger. `progress` is told how many more events were read."""
    report = Report()
    async for chains in _chains(store, progress):
        report.contacts += len(chains)
        report.events += sum(len(chain.events) for chain in chains)
        contacts = await store.contacts.get_many(chain.contact for chain in chains)
        pairs = [pair for chain in chains if (pair := _judge(chain, contacts.get(chain.contact), report))]
        if repair and pairs:
            await store.contacts.project_many(pairs)
            report.repaired += len(pairs)
    await _missing_ends(store, report)
    return report


def _judge(chain: _Chain, contact: Contact | None, report: Report) -> tuple[Contact, Contact] | None:
    """The contact as it is and as it should be, if a repair would help."""
    if chain.fault:
        report.faults.append(f"contact {chain.contact}: {chain.fault}")
        return None
    if contact is None:
        report.faults.append(f"contact {chain.contact}: has events, but is not there")
        return None
    if contact.ledger.seq > chain.seq:
        return None  # its end is missing: `_missing_ends` names it
    right = contact.model_copy(update={"consents": (), "ledger": Head()})
    for event in chain.events:
        right = apply(right, event)
    same = _by_subscription(right) == _by_subscription(contact) and right.ledger == contact.ledger
    if same and (right.phone, right.email) == (contact.phone, contact.email):
        return None
    report.stale.append(contact.id)
    return contact, right


def _by_subscription(contact: Contact) -> dict[str, object]:
    return {consent.subscription: consent for consent in contact.consents}


async def _chains(store: Store, progress: Callable[[int], None]) -> AsyncIterator[list[_Chain]]:
    """Whole chains, some at a time: events come in order of contact and sequence."""
    open_chain: _Chain | None = None
    async for page in store.events.scan():
        progress(len(page))
        whole: list[_Chain] = []
        for event in page:
            if open_chain is None or open_chain.contact != event.contact:
                if open_chain:
                    whole.append(open_chain)
                open_chain = _Chain(event.contact)
            open_chain.take(event)
        if whole:
            yield whole
    if open_chain:
        yield [open_chain]


async def _missing_ends(store: Store, report: Report) -> None:
    """Contacts that know of events which the ledger no longer has."""
    async for page in store.contacts.scan():
        heads = {c.id: store.events.place(c.id, c.ledger.seq) for c in page if c.ledger.seq}
        there = await store.events.get_many(heads.values())
        for contact in page:
            if contact.ledger.seq and heads[contact.id] not in there:
                report.faults.append(f"contact {contact.id}: event {contact.ledger.seq} is missing")


__all__ = ["Report", "verify"]
