"""The one door: every change of consent, from any source, is recorded here (law 1).

The event comes first, then the contact's projection, both `w: majority` (laws 2 and 3). A batch is the basic form;
single records that come at the same time share one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.aio.batching import Batcher
from bot.aio.retry import MOST_ATTEMPTS, retried
from bot.consent.changes import ConsentChange
from bot.consent.checkpoints import CheckpointKeys
from bot.consent.next_event import next_event
from bot.consent.projection import apply, opened_contact, project
from bot.errors import Conflict, NotFound, SaysoError, StoreUnavailable
from bot.errors import marked as _
from bot.faults import reach
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.event import Action, Actor, ConsentEvent, Source
from bot.model.event_hash import erased, event_hash
from bot.model.stop import Stop
from bot.store import Duplicate, Store


@dataclass(frozen=True, slots=True)
class Recorded:
    event: ConsentEvent
    is_new: bool
    """False: an earlier request with this key had recorded it."""
    after: Contact | None = None
    """The contact after a new one."""


class _Superseded(Exception):
    """The contact changed since the decision was made."""


class Ledger:
    def __init__(
        self, store: Store, keys: CheckpointKeys | None = None, *, clock: Callable[[], datetime] = now
    ) -> None:
        """`keys`: what signs the events; without, the key in the database. `clock`: when they happen, which only the
        demo workspace says otherwise."""
        self._keys, self._clock = keys or CheckpointKeys(store), clock
        self._events = store.events
        self._publish: Callable[[Sequence[ConsentEvent]], None] = _nobody
        self._contacts = store.contacts
        self._stops = store.stops
        self._record: Batcher[ConsentChange, Recorded] = Batcher(
            self._record_each, one_of=lambda change: change.contact
        )
        self._contact: Batcher[str, Contact | None] = Batcher(self._contacts_each)

    def publish_to(self, publish: Callable[[Sequence[ConsentEvent]], None]) -> None:
        """`publish` gets the events of each round once they are durable, and must not block."""
        self._publish = publish

    async def acknowledge(self, event: ConsentEvent) -> None:
        """Makes sure that an event found in the ledger is durable and followed up, before anyone is told of it: the
        process that recorded it may have died (law 3)."""
        await self._events.append([event.stored()])  # refused, which is durable
        self._publish([event])

    async def record(self, change: ConsentChange) -> Recorded:
        """Returns when the change is durable.

        Raises NotFound, Conflict, OwnOptOut, NumberStopped or StoreUnavailable (safe to retry).
        """
        return await self._record(change)

    async def decide(
        self, contact: Contact, decide: Callable[[Contact], Awaitable[ConsentChange | None]]
    ) -> tuple[Contact, Recorded | None]:
        """Records what `decide` makes of the contact, and decides again if another writer changed them meanwhile.
        Returns the contact afterwards. None: there was nothing to record. Raises what `decide` raises, and
        StoreUnavailable."""

        async def attempt() -> tuple[Contact, Recorded | None]:
            nonlocal contact
            change = await decide(contact)
            if change is None:
                return contact, None
            try:
                recorded = await self.record(change)
            except Conflict:
                contact = await self.contact(contact.id) or contact
                raise _Superseded from None
            return recorded.after or await self.contact(contact.id) or contact, recorded

        return await retried(attempt, _Superseded)

    async def record_many(self, changes: Sequence[ConsentChange]) -> list[Recorded | SaysoError]:
        """One result per change, in order. Changes of one contact are recorded in the order given.

        Four round trips a round, however many contacts: read them, look up their keys, insert the events, project. A
        contact gets one event per round: if the first of two in one insert were refused, the second would break the
        chain.
        """
        results: list[Recorded | SaysoError | None] = [None] * len(changes)
        lost = [0] * len(changes)
        while waiting := [i for i, result in enumerate(results) if result is None]:
            first_of_each = {changes[i].contact: i for i in reversed(waiting)}
            for i, result in (await self._round(changes, sorted(first_of_each.values()))).items():
                lost[i] += result is None
                results[i] = StoreUnavailable() if lost[i] >= MOST_ATTEMPTS else result
        return [result for result in results if result is not None]

    async def contact(self, id: str) -> Contact | None:
        """The contact with every event projected: reading repairs what a crash left undone (law 2)."""
        return await self._contact(id)

    async def contacts(self, ids: Iterable[str]) -> dict[str, Contact]:
        """Like `contact`, for many in two queries (more only if a crash left something to repair)."""
        wanted = list(dict.fromkeys(ids))
        contacts = await self._contacts.get_many(wanted)
        heads = {id: contacts[id].ledger.seq if id in contacts else 0 for id in wanted}
        ahead = await self._events.get_many(self._events.entry_id(id, seq + 1) for id, seq in heads.items())
        for event in ahead.values():
            if repaired := await self._repair(event.contact):
                contacts[event.contact] = repaired
        return contacts

    async def heads(self, ids: Iterable[str]) -> dict[str, int]:
        """By contact, the sequence of the last projected event."""
        return await self._contacts.heads(ids)

    async def erase(self, contact: str, by: Actor, source: Source, key: str) -> Recorded:
        """Forgets the person in the ledger: an event says so, then every earlier event of theirs loses its personal
        values. `bot.contacts.erase` forgets them everywhere. Raises NotFound or StoreUnavailable (safe to retry)."""
        recorded = await self.record_erasure(contact, by, source, key)
        await self.drop_values(recorded.event)
        return recorded

    async def record_erasure(self, contact: str, by: Actor, source: Source, key: str) -> Recorded:
        """From then on nothing is recorded for the contact. Raises NotFound or StoreUnavailable (safe to retry)."""
        redacted = {
            str(raw["seq"]): event_hash(erased(raw))
            async for page in self._events.pages_raw_of(contact)
            for raw in page
            if raw.get("format") is None
        }
        change = ConsentChange(
            contact=contact, action=Action.ERASE, source=source, actor=by, key=key, redacted=redacted or None
        )
        return await self.record(change)

    async def drop_values(self, erase: ConsentEvent) -> None:
        """Removes the personal values from the events that an `erase` covers. Idempotent."""
        async for page in self._events.pages_raw_of(erase.contact, before=erase.seq):
            await self._events.erase_values(page)

    async def _record_each(self, changes: list[ConsentChange]) -> list[Recorded | Exception]:
        return [*(await self.record_many(changes))]

    async def _contacts_each(self, ids: list[str]) -> list[Contact | None]:
        found = await self.contacts(ids)
        return [found.get(id) for id in ids]

    async def _round(
        self, changes: Sequence[ConsentChange], turn: list[int]
    ) -> dict[int, Recorded | SaysoError | None]:
        """Attempts one change per contact. None: another writer was first, try again."""
        contacts = await self._contacts.get_many(changes[i].contact for i in turn if not changes[i].judged)
        contacts |= {judged.id: judged for i in turn if (judged := changes[i].judged)}
        mine = [changes[i] for i in turn]
        known, stops = await asyncio.gather(self._known(mine, contacts), self._stops_of(mine))
        answers: dict[int, Recorded | SaysoError | None] = {}
        new: list[_New] = []
        time, signer = self._clock(), await self._keys.signing()
        for i in turn:
            change, contact = changes[i], contacts.get(changes[i].contact)
            if contact is None:
                answers[i] = NotFound(_("Contact not found."))
            elif event := known.get(change.log_key):
                answers[i] = Recorded(event, is_new=False)
            elif refused := change.refusal(contact, stop := stops.get(change.number or ""), time):
                answers[i] = refused
            else:
                is_stopped = stop is not None and stop.holds
                event, raw = next_event(contact, change, time, signer.sign_event, is_stopped=is_stopped)
                new.append(_New(i, contact, apply(contact, event), event, raw))
        # Known events are inserted again and refused: what another process wrote may not be durable yet (law 3).
        inserted = await self._events.append([*(entry.raw for entry in new), *(e.stored() for e in known.values())])
        done = [entry for entry, is_in in zip(new, inserted, strict=False) if is_in]
        reach("recorded")
        await self._project(done)
        reach("projected")
        self._publish([*(entry.event for entry in done), *known.values()])
        answers |= {entry.place: Recorded(entry.event, is_new=True, after=entry.after) for entry in done}
        for entry, is_in in zip(new, inserted, strict=False):
            if not is_in:
                await self._repair(entry.contact.id)
                answers[entry.place] = Conflict() if changes[entry.place].judged else None
        return answers

    async def _project(self, new: Sequence[_New]) -> None:
        """One update for all contacts, and one insert for those whose first act this is."""
        first = [entry.after for entry in new if entry.makes_contact]
        rest = [(entry.contact, entry.after) for entry in new if not entry.makes_contact]
        work = [self._make(first)] if first else []
        work += [self._contacts.project_many(rest)] if rest else []
        await asyncio.gather(*work)

    async def _make(self, contacts: Sequence[Contact]) -> None:
        """Inserts them already projected. A message may have created one meanwhile."""
        inserted = await self._contacts.insert_many(contacts)
        others = [contact for contact, is_new in zip(contacts, inserted, strict=True) if not is_new]
        if others:
            await self._contacts.project_many([_from_nothing(contact) for contact in others])

    async def _known(self, changes: list[ConsentChange], contacts: dict[str, Contact]) -> dict[str, ConsentEvent]:
        """Events that earlier requests with these keys made.

        A contact without events has none: their first insert is the guard.
        """
        return await self._events.by_keys(
            [(c.contact, c.log_key) for c in changes if c.contact in contacts and contacts[c.contact].ledger.seq]
        )

    async def _stops_of(self, changes: list[ConsentChange]) -> dict[str, Stop]:
        """Of the numbers for which somebody grants consent, in one query."""
        numbers = [change.number for change in changes if change.number and change.is_grant]
        return await self._stops.of(numbers) if numbers else {}

    async def _repair(self, id: str) -> Contact | None:
        """Projects the events after the contact's head, and creates the contact if a crash left only the event of their
        first act."""
        stored = await self._contacts.get(id)
        repaired = stored
        while events := await self._events.after(id, repaired.ledger.seq if repaired else 0, limit=500):
            for event in events:
                if repaired := repaired or opened_contact(id, event.context):
                    repaired = apply(repaired, event)
            if repaired is None:
                return None
        if repaired is None or repaired is stored:
            return stored
        if stored is None:
            try:
                await self._contacts.insert(repaired)
            except Duplicate:
                return await self._repair(id)
        else:
            await self._contacts.project_many([(stored, repaired)])
        return repaired


@dataclass(frozen=True, slots=True)
class _New:
    """An event to insert, and the index of its change in the call."""

    place: int
    contact: Contact
    after: Contact
    event: ConsentEvent
    raw: dict[str, Any]

    @property
    def makes_contact(self) -> bool:
        return self.event.seq == 1 and self.event.context.opening is not None


def _from_nothing(after: Contact) -> tuple[Contact, Contact]:
    """The move of a contact without events."""
    return project(after, []).model_copy(update={"phone": None, "email": None}), after


def _nobody(events: Sequence[ConsentEvent]) -> None:
    """Without consumers."""
