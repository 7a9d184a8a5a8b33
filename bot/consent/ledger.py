"""The one door: every change of consent, from any source, is recorded here (law 1).

The event comes first, then the contact's projection, both `w: majority` (laws 2 and 3). A batch is the basic form;
single records that come at the same time share one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ulid import ULID

from bot.aio.batching import Batcher
from bot.consent.projection import GIVES_ADDRESS, apply
from bot.errors import Conflict, NotFound, SaysoError, StoreUnavailable
from bot.errors import marked as _
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.event import NOWHERE, Action, Actor, ConsentEvent, Context, Evidence, Source, Words
from bot.store import Store

ATTEMPTS = 50
"""How often one change may lose its number to another writer of the same contact before it is given up as
unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChange:
    """What is to be recorded.

    `key` is the request's idempotency key: the same one again records nothing new (law 4).
    """

    contact: str
    action: Action
    source: Source
    actor: Actor
    key: str
    subscription: str | None = None
    number: str | None = None
    email: str | None = None
    words: Words | None = None
    context: Context = NOWHERE
    evidence: Evidence | None = None
    judged: Contact | None = None

    @property
    def log_key(self) -> str:
        return f"{self.contact}:{self.key}"


@dataclass(frozen=True, slots=True)
class Recorded:
    event: ConsentEvent
    is_new: bool
    """False: an earlier request with this key had recorded it."""


class Ledger:
    def __init__(self, store: Store) -> None:
        self._events = store.events
        self._publish: Callable[[Sequence[ConsentEvent]], None] = _nobody
        self._contacts = store.contacts
        self._record: Batcher[ConsentChange, Recorded] = Batcher(
            self._record_each, one_of=lambda change: change.contact
        )
        self._contact: Batcher[str, Contact | None] = Batcher(self._contacts_each)

    def publish_to(self, publish: Callable[[Sequence[ConsentEvent]], None]) -> None:
        """`publish` gets the events of each round once they are durable; it must not wait for anything."""
        self._publish = publish

    async def acknowledge(self, event: ConsentEvent) -> None:
        """Makes sure that an event which was found in the ledger is durable and followed up, before anyone is told of
        it: the process that recorded it may have died in between (law 3).
        """
        await self._events.insert_many([event])  # refused, and the refusal is durable
        self._publish([event])

    async def record(self, change: ConsentChange) -> Recorded:
        """Returns when the change is durable.

        Raises NotFound, Conflict or StoreUnavailable (safe to ask again).
        """
        return await self._record(change)

    async def record_many(self, changes: Sequence[ConsentChange]) -> list[Recorded | SaysoError]:
        """One answer a change, in order. Changes of one contact are recorded in the order given.

        Four round trips a round, however many contacts: read them, look up their keys, insert the events, project.
        A contact has one event a round, for two in one insert could break its chain when the first is refused.
        """
        results: list[Recorded | SaysoError | None] = [None] * len(changes)
        lost = [0] * len(changes)
        while waiting := [i for i, result in enumerate(results) if result is None]:
            first_of_each = {changes[i].contact: i for i in reversed(waiting)}
            for i, result in (await self._round(changes, sorted(first_of_each.values()))).items():
                lost[i] += result is None
                results[i] = StoreUnavailable() if lost[i] >= ATTEMPTS else result
        return [result for result in results if result is not None]

    async def contact(self, id: str) -> Contact | None:
        """The contact with every event of the ledger taken over: the reader that repairs what a crash left (law 2)."""
        return await self._contact(id)

    async def contacts(self, ids: Iterable[str]) -> dict[str, Contact]:
        """Like `contact`, for many in two queries (more only where a crash left something to repair)."""
        contacts = await self._contacts.get_many(ids)
        ahead = await self._events.get_many(
            self._events.entry_id(contact.id, contact.ledger.seq + 1) for contact in contacts.values()
        )
        for event in ahead.values():
            contacts[event.contact] = await self._repair(contacts[event.contact])
        return contacts

    async def _record_each(self, changes: list[ConsentChange]) -> list[Recorded | Exception]:
        return [*(await self.record_many(changes))]

    async def _contacts_each(self, ids: list[str]) -> list[Contact | None]:
        found = await self.contacts(ids)
        return [found.get(id) for id in ids]

    async def _round(
        self, changes: Sequence[ConsentChange], turn: list[int]
    ) -> dict[int, Recorded | SaysoError | None]:
        """Tries one change of each contact. None: another writer was first, try again."""
        contacts = await self._contacts.get_many(changes[i].contact for i in turn if not changes[i].judged)
        contacts |= {judged.id: judged for i in turn if (judged := changes[i].judged)}
        known = await self._known([changes[i] for i in turn], contacts)
        answers: dict[int, Recorded | SaysoError | None] = {}
        new: list[tuple[int, Contact, ConsentEvent]] = []
        time = now()
        for i in turn:
            change, contact = changes[i], contacts.get(changes[i].contact)
            if contact is None:
                answers[i] = NotFound(_("We can't find this contact."))
            elif event := known.get(change.log_key):
                answers[i] = Recorded(event, is_new=False)
            else:
                new.append((i, contact, next_event(contact, change, time)))
        # Those that are known go with them and are refused: what another process wrote may not be durable yet (law 3).
        inserted = await self._events.insert_many([*(event for _i, _contact, event in new), *known.values()])
        inserted = inserted[: len(new)]
        mine = [entry for entry, done in zip(new, inserted, strict=True) if done]
        await self._contacts.project_many([(contact, apply(contact, event)) for _i, contact, event in mine])
        self._publish([*(event for _i, _contact, event in mine), *known.values()])
        for i, _contact, event in mine:
            answers[i] = Recorded(event, is_new=True)
        for (i, contact, _event), done in zip(new, inserted, strict=True):
            if not done:
                await self._repair(contact)
                answers[i] = Conflict() if changes[i].judged else None
        return answers

    async def _known(self, changes: list[ConsentChange], contacts: dict[str, Contact]) -> dict[str, ConsentEvent]:
        """Events that earlier requests with these keys made.

        A line without events has none: its first insert is the guard.
        """
        return await self._events.by_keys(
            [(c.contact, c.log_key) for c in changes if c.contact in contacts and contacts[c.contact].ledger.seq]
        )

    async def _repair(self, contact: Contact) -> Contact:
        """Takes over the events that follow the contact's head, if there are any."""
        fresh = (await self._contacts.get(contact.id)) or contact
        repaired = fresh
        while events := await self._events.after(contact.id, repaired.ledger.seq, limit=500):
            for event in events:
                repaired = apply(repaired, event)
        if repaired is not fresh:
            await self._contacts.project(fresh, repaired)
        return repaired


def next_event(contact: Contact, change: ConsentChange, at: datetime) -> ConsentEvent:
    """The event that `change` makes of the contact's line as it stands."""
    seq = contact.ledger.seq + 1
    event = ConsentEvent(
        id=f"{contact.id}:{seq:010d}",
        event=str(ULID.from_datetime(at)),
        contact=contact.id,
        seq=seq,
        subscription=change.subscription,
        action=change.action,
        source=change.source,
        actor=change.actor,
        number=change.number,
        email=change.email,
        replaced=replaced(contact, change),
        at=at,
        words=change.words,
        context=change.context,
        evidence=change.evidence,
        key=change.log_key,
        previous=contact.ledger.hash,
    )
    return event.model_copy(update={"hash": event.computed_hash()})


def replaced(contact: Contact, change: ConsentChange) -> str | None:
    """What the contact's record forgets by this change: a number that was wrong, or is another one now."""
    pairs = ((contact.phone, change.number), (contact.email, change.email))
    gives = change.action in GIVES_ADDRESS
    return next((old for old, new in pairs if gives and old and new and old != new), None)


def _nobody(events: Sequence[ConsentEvent]) -> None:
    """Nothing follows."""
