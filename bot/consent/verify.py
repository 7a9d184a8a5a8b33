"""Checks the whole ledger: chains, the projections derived from them, and counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from bot.consent.chains import Chain, read_chains
from bot.consent.checkpoints import CheckpointKeys, CheckpointLog
from bot.consent.counts import CountKeeper, miscounted
from bot.consent.event_signatures import EventSigners
from bot.consent.projection import first_contact, project
from bot.consent.repairs import MOST, RepairGuard
from bot.consent.witnesses import Findings, Witnesses
from bot.model.base import Value, now
from bot.model.contact import ConsentState, Contact
from bot.model.event import ConsentEvent
from bot.store import Store

BATCH = 1000
UNDER_WAY, LOOKS = timedelta(seconds=10), 10
"""The age up to which an event may be unprojected, and how often its contact is checked again."""


@dataclass(slots=True)
class Report:
    contacts: int = 0
    events: int = 0
    broken: dict[str, str] = field(default_factory=dict)
    """Contacts with a broken chain, and its first error; it can't be repaired, only explained."""
    stale: list[str] = field(default_factory=list)
    """Contacts whose projection differs from their chain."""
    repaired: list[str] = field(default_factory=list)
    """The stale ones that were rebuilt."""
    miscounted: dict[tuple[str, ConsentState], int] = field(default_factory=dict)
    """By subscription and state, by how much the displayed counts were too low."""
    damaged: dict[str, str] = field(default_factory=dict)
    """Faults of the checkpoints themselves."""
    notes: list[str] = field(default_factory=list)
    """Every repair that was ever made."""
    checkpoints: int = 0
    is_repair: bool = False
    read: int = 0
    """Events and contacts read."""

    @property
    def faults(self) -> list[str]:
        damaged = [f"{where}: {what}" for where, what in self.damaged.items()]
        return damaged + [f"contact {contact}: {what}" for contact, what in self.broken.items()]

    @property
    def is_whole(self) -> bool:
        is_rebuilt = len(self.stale) == len(self.repaired)
        return not self.broken and not self.damaged and is_rebuilt and (self.is_repair or not self.miscounted)

    def add(self, step: Report) -> None:
        self.contacts += step.contacts
        self.events += step.events
        self.read += step.read
        self.broken = step.broken | self.broken
        self.stale += step.stale
        self.repaired += step.repaired
        self.miscounted |= step.miscounted
        self.damaged |= step.damaged
        self.notes += step.notes
        self.checkpoints += step.checkpoints

    def take(self, found: Findings) -> None:
        """Adds what the comparison with the checkpoints found."""
        self.broken = found.broken | self.broken
        self.damaged |= found.damaged
        self.notes += found.notes
        self.checkpoints += found.checkpoints
        self.read += found.read


class Position(Value):
    """The position of a walk: checkpoints first, so that no contact is repaired whose events they contradict; then
    chains, contacts and counts. `after` is the last id checked."""

    phase: Literal["checkpoints", "uncovered", "chains", "contacts", "counts"] = "checkpoints"
    after: str = ""
    distrusted: tuple[str, ...] = ()
    is_damaged: bool = False
    """See `RepairGuard`."""

    def to(self, after: str | None, then: Literal["uncovered", "chains", "contacts", "counts"]) -> Position:
        return self.model_copy(update={"phase": then, "after": ""} if after is None else {"after": after})

    def distrusting(self, found: Findings) -> Position:
        contacts = (*self.distrusted, *found.broken)
        is_damaged = self.is_damaged or bool(found.damaged) or len(contacts) > MOST
        return self.model_copy(update={"distrusted": contacts[:MOST], "is_damaged": is_damaged})


async def verify(
    store: Store,
    *,
    repair: bool,
    progress: Callable[[int], None] = lambda read: None,
    keys: CheckpointKeys | None = None,
    against: Path | None = None,
) -> Report:
    """The whole walk. `progress` is called with the number of events, contacts and checkpoint entries read; `against`
    is a file of checkpoints that was kept outside the database.

    May run next to writers: what looks stale is checked again before it is reported.
    """
    report, keys = Report(is_repair=repair), keys or CheckpointKeys(store)
    at: Position | None = Position()
    if against:
        found = await Witnesses(store, keys).against(against)
        report.take(found)
        at = Position().distrusting(found)
    while at:
        step, at = await walk(store, at, limit=BATCH, repair=repair, keys=keys)
        progress(step.read)
        report.add(step)
    return report


async def expected(store: Store) -> int:
    """An estimate of what a walk reads."""
    events, contacts = await store.events.count_about(), await store.contacts.count_about()
    return (3 if await store.checkpoints.newest_raw() else 1) * events + contacts


async def walk(
    store: Store, at: Position, *, limit: int, repair: bool, keys: CheckpointKeys
) -> tuple[Report, Position | None]:
    """One step: about `limit` events or contacts. Returns the next position; None after the last step.

    The cost of a step does not grow with the ledger, except for the counts and the longest chain.
    """
    report = Report(is_repair=repair)
    guard = RepairGuard(CheckpointLog(store, keys), {*at.distrusted}, at.is_damaged) if repair else None
    match at.phase:
        case "checkpoints":
            found, after = await Witnesses(store, keys).compare(at.after)
            report.take(found)
            return report, at.distrusting(found).to(after, "uncovered")
        case "uncovered":
            found, after = await Witnesses(store, keys).uncovered(at.after, limit)
            report.take(found)
            return report, at.distrusting(found).to(after, "chains")
        case "chains":
            return report, at.to(await _walk_chains(store, at.after, limit, report, guard, keys), "contacts")
        case "contacts":
            return report, at.to(await _walk_contacts(store, at.after, limit, report, guard), "counts")
    report.miscounted = await miscounted(store)
    if repair and report.miscounted:
        await CountKeeper(store).recount()
    return report, None


async def _walk_chains(
    store: Store, after: str, limit: int, report: Report, guard: RepairGuard | None, keys: CheckpointKeys
) -> str | None:
    chains, read, last = await read_chains(store, after, limit, await EventSigners.of(store, keys))
    report.read += read
    report.contacts += len(chains)
    report.events += sum(len(chain.events) for chain in chains)
    contacts = await store.contacts.get_many(chain.contact for chain in chains)
    for chain in chains:
        await _judge(store, chain, contacts.get(chain.contact), report, guard)
    return last


async def _judge(
    store: Store, chain: Chain, contact: Contact | None, report: Report, guard: RepairGuard | None
) -> None:
    if chain.fault:
        report.broken[chain.contact] = chain.fault
    elif contact is None and not (contact := first_contact(chain.events[0])):
        report.broken[chain.contact] = "has events but does not exist"
    elif contact.ledger.seq <= chain.seq and not _is_right(contact, chain.events):
        await _look_again(store, contact, report, guard)


async def _look_again(store: Store, contact: Contact, report: Report, guard: RepairGuard | None) -> None:
    """A recent event may not be projected yet: a contact that still advances is not stale."""
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
            await _repair(store, contact, events, report, guard)
            return


async def _repair(
    store: Store, contact: Contact, events: Sequence[ConsentEvent], report: Report, guard: RepairGuard | None
) -> None:
    report.stale.append(contact.id)
    if guard and await guard.allows(contact, events):
        right = project(contact, events)
        await store.contacts.keep(contact)  # a crash left only the events of their first act
        await store.contacts.project_many([(contact, right)])
        stored = await store.contacts.get(contact.id)
        if stored is not None and stored.ledger.seq >= right.ledger.seq:
            report.repaired.append(contact.id)


def _is_right(contact: Contact, events: Sequence[ConsentEvent]) -> bool:
    right = project(contact, events)
    same = _by_subscription(right) == _by_subscription(contact) and right.ledger == contact.ledger
    return same and (right.phone, right.email, right.pace) == (contact.phone, contact.email, contact.pace)


def _by_subscription(contact: Contact) -> dict[str, object]:
    return {consent.subscription: consent for consent in contact.consents}


async def _walk_contacts(store: Store, after: str, limit: int, report: Report, guard: RepairGuard | None) -> str | None:
    """Finds contacts that refer to missing events, or have consents without any event."""
    page = await store.contacts.page(after, limit=limit)
    report.read += len(page)
    heads = {c.id: store.events.entry_id(c.id, c.ledger.seq) for c in page if c.ledger.seq}
    there = await store.events.existing(heads.values())
    for contact in page:
        if contact.ledger.seq and heads[contact.id] not in there:
            report.broken.setdefault(contact.id, f"event {contact.ledger.seq} is missing")
        elif contact.consents and not contact.ledger.seq:
            await _repair(store, contact, [], report, guard)
    return page[-1].id if page else None
