"""Walks the whole ledger: every chain whole and unedited, every projection as the chain says, and every count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from bot.consent.projection import project
from bot.model.base import iso, now
from bot.model.contact import ConsentState, Contact
from bot.model.event import FIRST, ConsentEvent
from bot.store import Store

UNDER_WAY, LOOKS = timedelta(seconds=10), 10
"""An event younger than this may still be on its way into the projection; so often it is looked for there."""


@dataclass(slots=True)
class Report:
    contacts: int = 0
    events: int = 0
    faults: list[str] = field(default_factory=list)
    """Chains that are broken, each by its first fault; they can't be repaired, only explained."""
    stale: list[str] = field(default_factory=list)
    """Contacts whose projection differs from their chain."""
    repaired: int = 0
    miscounted: dict[tuple[str, ConsentState], int] = field(default_factory=dict)
    """By subscription and state, by how much the counts that pages show were too low."""
    is_repair: bool = False

    @property
    def is_whole(self) -> bool:
        return not self.faults and len(self.stale) == self.repaired and (self.is_repair or not self.miscounted)


@dataclass(slots=True)
class _Chain:
    """The events of one contact, as they are stored: what was edited need not be readable as an event any more."""

    contact: str
    seq: int = 0
    hash: str = FIRST
    fault: str | None = None
    events: list[ConsentEvent] = field(default_factory=list)

    def take(self, raw: Mapping[str, Any]) -> None:
        if self.fault:
            return
        self.fault = fault(raw, self.contact, self.seq + 1, self.hash)
        if self.fault is None:
            event = ConsentEvent.load(dict(raw))
            self.events.append(event)
            self.seq, self.hash = event.seq, event.hash


def fault(raw: Mapping[str, Any], contact: str, seq: int, previous: str) -> str | None:
    """What is wrong with a stored event that should be number `seq` after the hash `previous`; None if nothing is."""
    if raw["_id"] != f"{contact}:{seq:010d}":
        return f"event {seq} is missing"
    try:
        event = ConsentEvent.load(dict(raw))
    except ValidationError:
        return f"event {seq} was edited"
    # The hash is made over what is stored: a field that was added, or is of another type now, shows too.
    stored = {name: iso(value) if isinstance(value, datetime) else value for name, value in raw.items()}
    if raw.get("seq") != seq or stored.pop("hash", "") != event.computed_hash() or stored != event.canonical():
        return f"event {seq} was edited"
    if event.previous != previous:
        return f"event {seq} does not follow the one before it"
    return None


async def verify(store: Store, *, repair: bool, progress: Callable[[int], None] = lambda events: None) -> Report:
    """Memory does not grow with the ledger. `progress` is told how many more events were read.

    It may run beside writers: what looks stale is looked at once more before it is reported.
    """
    report = Report(is_repair=repair)
    async for chains in _chains(store, progress):
        report.contacts += len(chains)
        report.events += sum(len(chain.events) for chain in chains)
        contacts = await store.contacts.get_many(chain.contact for chain in chains)
        for chain in chains:
            await _judge(store, chain, contacts.get(chain.contact), report, repair=repair)
    await _without_events(store, report, repair=repair)
    report.miscounted = await store.contacts.miscounted()
    if repair and report.miscounted:
        await store.contacts.recount(report.miscounted)
    return report


async def _judge(store: Store, chain: _Chain, contact: Contact | None, report: Report, *, repair: bool) -> None:
    if chain.fault:
        report.faults.append(f"contact {chain.contact}: {chain.fault}")
    elif contact is None:
        report.faults.append(f"contact {chain.contact}: has events, but is not there")
    elif contact.ledger.seq <= chain.seq and not _is_right(contact, chain.events):
        await _look_again(store, contact, report, repair=repair)


async def _look_again(store: Store, contact: Contact, report: Report, *, repair: bool) -> None:
    """An event of the last seconds may be on its way into the projection: a standing that moves on is not stale."""
    seq, looks = contact.ledger.seq, 0
    while True:
        events = await store.events.after(contact.id, 0, limit=100_000)
        is_under_way = bool(events) and now() - events[-1].at < UNDER_WAY
        if is_under_way:
            await asyncio.sleep(0.1)
        contact = await store.contacts.get(contact.id) or contact
        if contact.ledger.seq > len(events) or _is_right(contact, events):
            return
        looks = looks + 1 if contact.ledger.seq == seq else 0
        seq = contact.ledger.seq
        if looks >= LOOKS or not is_under_way:
            await _repair(store, contact, project(contact, events), report, repair=repair)
            return


async def _repair(store: Store, contact: Contact, right: Contact, report: Report, *, repair: bool) -> None:
    report.stale.append(contact.id)
    if repair:
        await store.contacts.project(contact, right)
        stored = await store.contacts.get(contact.id)
        report.repaired += stored is not None and stored.ledger.seq >= right.ledger.seq


def _is_right(contact: Contact, events: Sequence[ConsentEvent]) -> bool:
    right = project(contact, events)
    same = _by_subscription(right) == _by_subscription(contact) and right.ledger == contact.ledger
    return same and (right.phone, right.email) == (contact.phone, contact.email)


def _by_subscription(contact: Contact) -> dict[str, object]:
    return {consent.subscription: consent for consent in contact.consents}


async def _chains(store: Store, progress: Callable[[int], None]) -> AsyncIterator[list[_Chain]]:
    """Whole chains, some at a time: events come in order of contact and sequence."""
    open_chain: _Chain | None = None
    async for page in store.events.scan_raw():
        progress(len(page))
        whole: list[_Chain] = []
        for raw in page:
            contact = str(raw["_id"]).partition(":")[0]
            if open_chain is None or open_chain.contact != contact:
                if open_chain:
                    whole.append(open_chain)
                open_chain = _Chain(contact)
            open_chain.take(raw)
        if whole:
            yield whole
    if open_chain:
        yield [open_chain]


async def _without_events(store: Store, report: Report, *, repair: bool) -> None:
    """Contacts that know of events which the ledger no longer has, or that stand somewhere without any event."""
    async for page in store.contacts.scan():
        heads = {c.id: store.events.place(c.id, c.ledger.seq) for c in page if c.ledger.seq}
        there = await store.events.existing(heads.values())
        for contact in page:
            if contact.ledger.seq and heads[contact.id] not in there:
                report.faults.append(f"contact {contact.id}: event {contact.ledger.seq} is missing")
            elif contact.consents and not contact.ledger.seq:
                await _repair(store, contact, project(contact, []), report, repair=repair)
