"""Erases a person from every collection. The only place that deletes.

The ledger erases its own values (`bot.consent.ledger`). What expires by itself within minutes, and what names contacts
by id alone (the audit log, results of jobs), is not here: `tests/contacts/test_erase.py` names each collection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymongo import DeleteMany, UpdateMany

from bot.model.base import now
from bot.model.delivery import DeliveryState
from bot.model.stop import Stop
from bot.model.webhook import Topic
from bot.store.driver import database_errors
from bot.store.stops import KEYED

if TYPE_CHECKING:
    from bot.store.client import Store

PAGE = 500
CONTACT = ("_id", "ledger", "created_at", "updated_at", "erased_at", "merged_into")
CONVERSATION = ("_id", "contact", "channel", "created_at", "updated_at")
"""The fields of a contact and a conversation that are kept for `verify` and figures. None of them identifies the
person."""
WAITING = [DeliveryState.QUEUED, DeliveryState.SENDING]


@dataclass(frozen=True, slots=True)
class Person:
    """A contact to erase, and every number that was ever theirs."""

    contact: str
    numbers: frozenset[str]


class PersonalData:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def erase(self, person: Person) -> None:
        """Idempotent. The contact's own fields go last: uploaded rows are found by them (`bot.contacts.imports`).

        Raises StoreUnavailable (safe to retry).
        """
        await asyncio.gather(
            self._erase_conversations(person.contact),
            self._erase_deliveries(person),
            self._delete("preference_links", {"contact": person.contact}),
            self._delete("webhook_notifications", {"contact": person.contact, "topic": {"$ne": Topic.CONTACT_DELETED}}),
            self._store.export_pieces.take_out([person.contact]),
            self._delete("phone_texts", {"number": {"$in": [*person.numbers]}}),
            self._delete("import_changes", {"contact": person.contact}),
            self._delete("segment_members", {"contact": person.contact}),
            self._delete("api_requests", {"contacts": person.contact}),
            self._erase_requests(person.contact),
            *(self._rename_stop(number) for number in person.numbers),
        )
        await self._erase_contact(person.contact)

    async def drop_old_exports(self) -> None:
        """Deletes files of an earlier version, which didn't store whose line each is, so that nobody could be removed
        from them."""
        await self._delete("export_pieces", {"data": {"$exists": True}})
        with database_errors():
            if "at_1" in await self._store.export_pieces.collection.index_information():
                await self._store.export_pieces.collection.drop_index("at_1")

    async def _erase_contact(self, contact: str) -> None:
        with database_errors():
            await self._store.contacts.collection.update_one(
                {"_id": contact, "erased_at": {"$exists": True}}, only(CONTACT, {"erased_at": "$erased_at"})
            )

    async def _erase_conversations(self, contact: str) -> None:
        """Their entries go; the conversations stay, empty, so that an entry that is written at the same moment is found
        when this is repeated."""
        erased_at = {"erased_at": {"$literal": now()}}
        async for page in self._conversations(contact):
            ranges = [{"_id": {"$gte": f"{id}:", "$lt": f"{id};"}, "conversation": id} for id in page]
            with database_errors():
                await self._store.parts.collection.bulk_write([DeleteMany(match) for match in ranges], ordered=False)
                await self._store.signals.collection.delete_many({"conversation": {"$in": page}})
                await self._store.conversations.collection.update_many(
                    {"_id": {"$in": page}}, only(CONVERSATION, erased_at)
                )

    async def _conversations(self, contact: str) -> AsyncIterator[list[str]]:
        """The ids, in pages."""
        with database_errors():
            found = await self._store.conversations.collection.distinct("_id", {"contact": contact})
        for start in range(0, len(found), PAGE):
            yield found[start : start + PAGE]

    async def _erase_deliveries(self, person: Person) -> None:
        """Replaces numbers by keyed hashes. What still waits is not sent."""
        rest = {"contact": person.contact, "number": {"$not": {"$regex": f"^{KEYED}"}}}
        collection = self._store.deliveries.collection
        with database_errors():
            others = await collection.distinct("number", rest)
            keyed = await self._store.keyed_numbers.of({*person.numbers, *others})
            updates = [
                UpdateMany({"contact": {"$in": [person.contact, ""]}, "number": number}, _erased_delivery(hash))
                for number, hash in keyed.items()
            ]
            if updates:
                await collection.bulk_write(updates, ordered=False)

    async def _erase_requests(self, contact: str) -> None:
        """Those to opt out stay, for figures."""
        with database_errors():
            await self._store.opt_out_requests.collection.update_many({"contact": contact}, {"$unset": {"number": ""}})

    async def _rename_stop(self, number: str) -> None:
        """Lists it under its keyed hash. Entries that are written at the same moment are moved too."""
        name = (await self._store.keyed_numbers.of([number]))[number]
        stops, log = self._store.stops, self._store.stop_events
        while stop := await stops.get(number):
            if stop.newest:
                await log.keep(stop.newest)
            after, entries = 0, [*await log.after(number, 0, limit=PAGE)]
            while entries:
                await log.insert_many([entry.renamed(name) for entry in entries])
                after = entries[-1].seq
                entries = await log.after(number, after, limit=PAGE)
            await self._list_as(stop.renamed(name))
            with database_errors():
                await stops.collection.delete_one({"_id": number, "seq": stop.seq or {"$in": [0, None]}})
        await self._delete("stop_events", {"_id": {"$gte": f"{number}:", "$lt": f"{number};"}, "number": number})

    async def _list_as(self, stop: Stop) -> None:
        """An active stop is never lost, whichever entry is newer."""
        stops = self._store.stops
        if (await stops.insert_many([stop]))[0]:
            return
        with database_errors():
            await stops.collection.update_one({"_id": stop.id, "seq": {"$lt": stop.seq}}, {"$set": stop.stored()})
            if stop.holds:
                await stops.collection.update_one({"_id": stop.id}, {"$unset": {"lifted_at": ""}})

    async def _delete(self, name: str, match: Mapping[str, Any]) -> None:
        with database_errors():
            await self._store.database[name].delete_many(match)


def only(names: Iterable[str], values: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Keeps these fields alone; a field that a later version adds is erased too."""
    return [{"$replaceWith": {**{name: f"${name}" for name in names}, **values}}]


def _erased_delivery(hash: str) -> Sequence[Mapping[str, Any]]:
    gone = dict.fromkeys(("body", "text", "link", "short_links", "prefix", "provider_id", "part"), "$$REMOVE")
    waits = {"$and": [{"$in": ["$state", WAITING]}, {"$ifNull": ["$due_at", False]}]}
    blocked = {"state": DeliveryState.BLOCKED, "reason": "erased"}
    stopped = {name: {"$cond": [waits, value, f"${name}"]} for name, value in blocked.items()}
    return [{"$set": {"number": {"$literal": hash}, **gone, **stopped}}, {"$set": {"due_at": "$$REMOVE"}}]
