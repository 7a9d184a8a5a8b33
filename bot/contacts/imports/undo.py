"""Takes an import back, the last row first: fields as they were, its consents retracted by new events.

A contact whom the import created, and nobody has used since, leaves every list. What people did since stays: a field
that changed again, a consent that they gave or withdrew themselves. An opt-out from the file stays too, and so does a
number on the stop list: undoing never turns a "no" into a "yes". Contacts who opted out keep their number, email
address and user ID, so that the next import finds their "no". If a contact was merged into another one, the consent is
retracted there, provided that it came from the file.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.consent.changes import ConsentChange, address_change
from bot.consent.ledger import Ledger
from bot.consent.projection import apply
from bot.contacts.imports.row_changes import row_key
from bot.contacts.service import ContactService, ContactUpdate, ContactValues
from bot.errors import NotFound, SaysoError, StoreUnavailable
from bot.fault_points import reach
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.contact_import import ImportChange
from bot.model.event import Action, Actor, ConsentEvent, Source
from bot.store import Store

ATTRIBUTE = "attributes/"
IDENTITY = {"phone", "email", "external_id", "role"}
YES = {ConsentState.OPTED_IN, ConsentState.PENDING}
MOST_EVENTS = 30
"""A contact with more was used since."""


@dataclass(slots=True)
class _Undone:
    """A row that is taken back, and what has to be done for it."""

    row: ImportChange
    contact: Contact
    values: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    changes: list[ConsentChange] = field(default_factory=list)
    is_kept: bool = False
    """The contact was used since or opted out, and stays."""


class ImportUndo:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store, self._ledger = store, ledger
        self._contacts = ContactService(store, ledger)

    async def take_back(self, rows: Sequence[ImportChange], actor: Actor) -> Counter[str]:
        """By outcome. Repeating it after a crash gives the same. Raises StoreUnavailable."""
        ids = [*dict.fromkeys(row.contact for row in rows)]
        contacts, talked = await asyncio.gather(self._living(ids), self._store.conversations.contacts_among(ids))
        events = await self._events(rows, contacts)
        counts: Counter[str] = Counter()
        undone = []
        for row in rows:
            if contact := contacts.get(row.contact):
                done = _plan(row, contact, events, actor, is_used=contact.id in talked)
                contacts[contact.id] = _after(done)
                counts["kept" if done.is_kept else "restored"] += 1
                undone.append(done)
            else:
                counts["gone"] += 1
        await self._restore(undone)
        reach("restored")
        counts["retracted"] = await self._record(undone)
        return counts

    async def _living(self, ids: Sequence[str]) -> dict[str, Contact]:
        """By id; instead of one that was merged into another, that one."""
        found = await self._ledger.contacts(ids)
        while merged := {id: contact.merged_into for id, contact in found.items() if contact.merged_into}:
            kept = await self._ledger.contacts({*merged.values()})
            found = {id: now for id, c in found.items() if (now := kept.get(merged[id]) if id in merged else c)}
        return found

    async def _events(self, rows: Sequence[ImportChange], contacts: Mapping[str, Contact]) -> dict[str, ConsentEvent]:
        """By key: the events that the rows recorded, and all events of contacts that they created."""
        keys = [
            (row.contact, f"{row.contact}:{row_key(row.job, row.line, what)}") for row in rows for what in row.granted
        ]
        created = [contacts[row.contact] for row in rows if row.created and row.contact in contacts]
        ids = [
            self._store.events.entry_id(contact.id, seq)
            for contact in created
            for seq in range(1, min(contact.ledger.seq, MOST_EVENTS) + 1)
        ]
        by_key, all_of = await asyncio.gather(self._store.events.by_keys(keys), self._store.events.get_many(ids))
        return {**{event.key: event for event in all_of.values()}, **by_key}

    async def _restore(self, undone: Sequence[_Undone]) -> None:
        changed = [done for done in undone if done.values or done.attributes]
        await self._contacts.set_many(
            [
                ContactUpdate(done.contact, ContactValues(**done.values), done.attributes)  # type: ignore[typeddict-item]
                for done in changed
            ]
        )
        by_tags: dict[tuple[str, ...], list[str]] = {}
        for done in undone:
            if done.tags:
                by_tags.setdefault(done.tags, []).append(done.contact.id)
        await asyncio.gather(*(self._contacts.remove_tags(ids, tags) for tags, ids in by_tags.items()))

    async def _record(self, undone: Sequence[_Undone]) -> int:
        """Each contact's events one after the other, each decided for the contact as it is then: what people do
        meanwhile is not overwritten. Returns how many consents were retracted."""
        waiting = [(done, change) for done in undone for change in done.changes]
        current = {done.contact.id: done.contact for done in reversed(undone)}
        retracted = 0
        while waiting:
            turn = {change.contact: (done, change) for done, change in reversed(waiting)}
            changes = [replace(change, judged=current[id]) for id, (_, change) in turn.items()]
            for change, result in zip(changes, await self._ledger.record_many(changes), strict=True):
                if isinstance(result, NotFound):  # erased meanwhile
                    continue
                if isinstance(result, SaysoError):
                    raise StoreUnavailable from result
                if result.is_new:
                    current[change.contact] = apply(current[change.contact], result.event)
                retracted += change.action is Action.RESTORE
            waiting = [(done, change) for done, change in waiting if turn[change.contact][1] is not change]
        return retracted


def _plan(
    row: ImportChange, contact: Contact, events: Mapping[str, ConsentEvent], actor: Actor, *, is_used: bool
) -> _Undone:
    done = _Undone(row, contact, changes=_retractions(row, contact, events, actor))
    has_no = bool(row.opted_out) or any(consent.is_no for consent in contact.consents)
    is_used = is_used or has_no or not _is_untouched(row, contact, events)
    if contact.id != row.contact or (row.created and is_used):
        done.is_kept = True
        return done
    clears = []
    for name, value in row.after.items():
        if _current(contact, name) != value:
            continue
        if has_no and name in IDENTITY:
            done.is_kept = True
        elif name in {"phone", "email"}:
            clears.append(name)
        elif name.startswith(ATTRIBUTE):
            done.attributes[name.removeprefix(ATTRIBUTE)] = row.before.get(name)
        else:
            done.values[name] = row.before.get(name)
    if row.created and not done.is_kept:
        done.values["undone_at"] = now()
    done.tags = tuple(tag for tag in row.tags if tag in contact.tags)
    if clears:
        key = undo_key(row, "address")
        done.changes.append(address_change(contact.id, source=Source.IMPORT, actor=actor, key=key, clears=clears))
    return done


def _retractions(
    row: ImportChange, contact: Contact, events: Mapping[str, ConsentEvent], actor: Actor
) -> list[ConsentChange]:
    """Of the consents that are still the ones that this row recorded. An opt-out that it overrode holds again; else the
    person has not answered."""
    earlier = {consent.subscription: consent for consent in row.opted_out}
    found = []
    for subscription in row.granted:
        event = events.get(f"{row.contact}:{row_key(row.job, row.line, subscription)}")
        consent, before = contact.consent(subscription), earlier.get(subscription)
        if event and consent and consent.event == event.event and consent.state in YES:
            found.append(
                ConsentChange(
                    contact=contact.id,
                    subscription=subscription,
                    action=Action.RESTORE,
                    source=Source.IMPORT,
                    actor=actor,
                    number=before.number if before else None,
                    email=before.email if before else None,
                    restores=before,
                    key=undo_key(row, subscription),
                )
            )
    return found


def _is_untouched(row: ImportChange, contact: Contact, events: Mapping[str, ConsentEvent]) -> bool:
    """Whether only the import and this undo have changed the contact that the import created."""
    of_contact = [event for event in events.values() if event.contact == contact.id]
    ours = (f"{contact.id}:import:{row.job}:", f"{contact.id}:undo:{row.job}:")
    is_ours = len(of_contact) == contact.ledger.seq and all(event.key.startswith(ours) for event in of_contact)
    fields = all(_current(contact, name) in (value, row.before.get(name)) for name, value in row.after.items())
    return is_ours and fields and contact.last_seen_at is None and set(contact.tags) <= set(row.tags)


def _after(done: _Undone) -> Contact:
    """The contact without what is taken back so far; their chain is as it was."""
    attributes = {**done.contact.attributes, **done.attributes}
    tags = tuple(tag for tag in done.contact.tags if tag not in done.tags)
    kept = {key: value for key, value in attributes.items() if value is not None}
    return done.contact.model_copy(update={**done.values, "attributes": kept, "tags": tags})


def _current(contact: Contact, name: str) -> Any:
    if name.startswith(ATTRIBUTE):
        return contact.attributes.get(name.removeprefix(ATTRIBUTE))
    return getattr(contact, name)


def undo_key(row: ImportChange, what: str) -> str:
    return f"undo:{row.job}:{row.line}:{what}"
