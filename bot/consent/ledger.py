"""The one door: every change of consent, from any source, is recorded here (law 1).

The event comes first, then the contact's projection, both `w: majority` (laws 2 and 3). A batch is the basic form;
single records that come at the same time share one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime

from bot.aio.batching import Batcher
from bot.aio.retry import MOST_ATTEMPTS, retried
from bot.consent.changes import ConsentChange
from bot.consent.checkpoints import CheckpointKeys
from bot.consent.ledger_round import AddedEvent, Answers, Recorded, RoundFacts, events_of, turns_of
from bot.consent.projection import apply, first_contact, project
from bot.errors import Conflict, SaysoError, StoreUnavailable
from bot.fault_points import reach
from bot.model.base import now
from bot.model.contact import Contact, Role
from bot.model.event import Action, Actor, ConsentEvent, Source
from bot.model.event_hash import erased, event_hash
from bot.model.stop import Stop
from bot.store import Store

NOBODY: Mapping[str, Contact] = {}
BREATH = 32
"""After this many contacts, about 2 ms, a large round lets others go on: the form that somebody just sent."""


class _Superseded(Exception):
    """The contact changed since the decision was made."""


class Ledger:
    def __init__(
        self, store: Store, keys: CheckpointKeys | None = None, *, clock: Callable[[], datetime] = now
    ) -> None:
        """`keys`: what signs the events; without, the key in the database. `clock`: the time of events; only the demo
        workspace sets another one."""
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

    async def record_many(
        self, changes: Sequence[ConsentChange], contacts: Mapping[str, Contact] = NOBODY
    ) -> list[Recorded | SaysoError]:
        """One result per change, in order. Changes of one contact are recorded in the order given. `contacts`: some of
        them by id, as they were just read, or who aren't stored yet: their first event stores them.

        Four round trips a round, however many contacts: read them, look up their keys, insert the events, project. A
        second event of a contact takes an insert of its own: if the first of two in one insert were refused, the second
        would break the chain.
        """
        results: list[Recorded | SaysoError | None] = [None] * len(changes)
        lost = [0] * len(changes)
        while waiting := [i for i, result in enumerate(results) if result is None]:
            for i, result in (await self._round(changes, turns_of(changes, waiting), contacts)).items():
                lost[i] += result is None
                results[i] = StoreUnavailable() if lost[i] >= MOST_ATTEMPTS else result
            contacts = NOBODY
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
        """Stops all further recording for the contact. Raises NotFound or StoreUnavailable (safe to retry)."""
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
        self, changes: Sequence[ConsentChange], turns: Sequence[Sequence[int]], read: Mapping[str, Contact]
    ) -> Answers:
        """Attempts the changes of each turn, which are of one contact. None: another writer was first, try again.
        Changes without an answer wait for the one before them."""
        first = [changes[turn[0]] for turn in turns]
        contacts = {change.contact: change.judged or read.get(change.contact) for change in first}
        contacts |= await self._contacts.get_many(id for id, contact in contacts.items() if contact is None)
        mine = [changes[i] for turn in turns for i in turn]
        known, stops = await asyncio.gather(self._known(mine, contacts), self._stops_of(mine))
        answers: Answers = {}
        facts = RoundFacts(self._clock(), (await self._keys.signing()).sign_event, known, stops)
        new = []
        for place, turn in enumerate(turns, 1):
            new.append(events_of(changes, turn, contacts[changes[turn[0]].contact], facts, answers))
            if place % BREATH == 0:
                await asyncio.sleep(0)
        done, refused = await self._append(new, known.values())
        reach("recorded")
        await self._project(done)
        reach("projected")
        self._publish([*(entry.event for entries in done for entry in entries), *known.values()])
        answers |= {
            entry.place: Recorded(entry.event, is_new=True, after=entry.after) for entries in done for entry in entries
        }
        for entry in refused:
            await self._repair(entry.before.id, None if entry.before.is_stored else entry.before)
            answers[entry.place] = Conflict() if changes[entry.place].judged else None
        return answers

    async def _append(
        self, new: Sequence[Sequence[AddedEvent]], known: Iterable[ConsentEvent]
    ) -> tuple[list[list[AddedEvent]], list[AddedEvent]]:
        """Inserts the events, of each contact one after the other. Returns those that are in, by contact, and the first
        that was refused of each. Known events are inserted again and refused: what another process wrote may not be
        durable yet (law 3)."""
        done: list[list[AddedEvent]] = [[] for _ in new]
        refused: list[AddedEvent] = []
        again = [event.stored() for event in known]
        for place in range(max(map(len, new), default=0) or 1):
            turn = [(made[place], into) for made, into in zip(new, done, strict=True) if place < len(made)]
            turn = [(entry, into) for entry, into in turn if len(into) == place]
            inserted = await self._events.append([*(entry.raw for entry, _ in turn), *again])
            for (entry, into), is_in in zip(turn, inserted, strict=False):
                (into if is_in else refused).append(entry)
            again = []
        return done, refused

    async def _project(self, done: Sequence[Sequence[AddedEvent]]) -> None:
        """One update for all contacts, and one insert for those whose first act this is."""
        moves = [(entries[0].before, entries[-1].after) for entries in done if entries and not entries[0].stores]
        first = [entries[-1].after for entries in done if entries and entries[0].stores]
        await asyncio.gather(self._store(first), self._contacts.project_many(moves))

    async def _store(self, contacts: Sequence[Contact]) -> None:
        """Inserts them already projected. A message, or a reader of their first event, may have created one meanwhile,
        and another contact may have got their user ID: they are stored without it then."""
        inserted = await self._contacts.insert_many(contacts)
        if others := [contact for contact, is_new in zip(contacts, inserted, strict=True) if not is_new]:
            await self._contacts.insert_many([_without_user_id(contact) for contact in others])
            await self._contacts.project_many([_from_nothing(contact) for contact in others])
            await self._contacts.complete([contact for contact in others if contact.last_seen_at is None])

    async def _known(
        self, changes: list[ConsentChange], contacts: Mapping[str, Contact | None]
    ) -> dict[str, ConsentEvent]:
        """Events that earlier requests with these keys made.

        A contact without events has none: their first insert is the guard.
        """
        return await self._events.by_keys(
            [(c.contact, c.log_key) for c in changes if (contact := contacts.get(c.contact)) and contact.ledger.seq]
        )

    async def _stops_of(self, changes: list[ConsentChange]) -> dict[str, Stop]:
        """The stops of the numbers in these grants, in one query."""
        numbers = [change.number for change in changes if change.number and change.is_grant]
        return await self._stops.of(numbers) if numbers else {}

    async def _repair(self, id: str, first: Contact | None = None) -> Contact | None:
        """Projects the events after the contact's head, and creates the contact (`first`, if it is known) if a crash
        left only the events of their first act."""
        stored = await self._contacts.get(id)
        repaired = stored or first
        while events := await self._events.after(id, repaired.ledger.seq if repaired else 0, limit=500):
            for event in events:
                if repaired := repaired or first_contact(event):
                    repaired = apply(repaired, event)
            if repaired is None:
                return None
        if stored is None and repaired and repaired.ledger.seq:
            await self._store([repaired])
        elif stored and repaired and repaired is not stored:
            await self._contacts.project_many([(stored, repaired)])
        return repaired


def _from_nothing(after: Contact) -> tuple[Contact, Contact]:
    """The move of a contact without events."""
    return project(after, []).model_copy(update={"phone": None, "email": None}), after


def _without_user_id(contact: Contact) -> Contact:
    return contact.model_copy(update={"external_id": None, "role": Role.LEAD})


def _nobody(events: Sequence[ConsentEvent]) -> None:
    """Where no consumers are registered."""
