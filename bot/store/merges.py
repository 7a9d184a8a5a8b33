"""Moves what belongs to a contact to the one that it was merged into."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from bot.model.base import now
from bot.model.contact import Contact
from bot.store.contacts import changed
from bot.store.driver import database_errors
from bot.store.personal_data import CONTACT, only
from bot.store.transaction import Session, transaction

if TYPE_CHECKING:
    from bot.store.client import Store

OWNED = (
    "conversations",
    "deliveries",
    "chat_deliveries",
    "preference_links",
    "opt_out_requests",
    "webhook_notifications",
)
"""Collections with a field `contact`."""


class Taken(Protocol):
    @property
    def values(self) -> Mapping[str, Any]: ...

    @property
    def attributes(self) -> Mapping[str, Any]: ...


class MergeMoves:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def take_over(self, kept: str, other: str, merged: Callable[[Contact, Contact], Taken]) -> None:
        """Moves the fields of the other contact, which is empty afterwards. In one transaction: an external id belongs
        to one contact. Idempotent."""
        await self._store.keyed_numbers.prepare()
        collection, short = self._store.contacts.collection, self._store.keyed_numbers.short

        async def work(session: Session) -> None:
            found = {raw["_id"]: raw async for raw in collection.find({"_id": {"$in": [kept, other]}}, session=session)}
            one, two = Contact.load(found[kept]), Contact.load(found[other])
            taken = merged(one, two)
            keys = [*two.user_keys, *([short(two.external_id.casefold())] if two.external_id else [])]
            known = {"user_keys": {"$literal": keys}} if keys else {}
            await collection.update_one({"_id": other}, only(CONTACT, known), session=session)
            if taken.values or taken.attributes:
                values = {**taken.values, "updated_at": now()}
                _, change = changed(one, values, taken.attributes)
                await collection.update_one({"_id": kept}, change, session=session)

        await transaction(self._store.database, work)

    async def move(self, other: str, kept: str) -> None:
        """Their conversations, texts and links. Idempotent."""
        with database_errors():
            await asyncio.gather(
                *(
                    self._store.database[name].update_many({"contact": other}, {"$set": {"contact": kept}})
                    for name in OWNED
                )
            )
