"""Finds the contacts that a batch of rows is about."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.consent.ledger import Ledger
from bot.contacts.imports.people import KnownPeople, contact_of
from bot.contacts.imports.rows import WantedRow
from bot.store import Store


class PeopleFinder:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    async def of(self, job: str, rows: Sequence[WantedRow]) -> KnownPeople:
        """In five queries, however many rows."""
        contacts = self._store.contacts
        found = await asyncio.gather(
            contacts.existing(contact_of(job, row.line) for row in rows),
            contacts.ids_with("external_id", {row.external_id for row in rows if row.external_id}),
            contacts.ids_with("email", {row.email for row in rows if row.email}),
            contacts.ids_with("phone", {row.number for row in rows if row.number}),
        )
        people = await self._ledger.contacts(sorted({id for ids in found for id in ids}))
        known = KnownPeople(contact for contact in people.values() if not contact.is_gone)
        known.gone = {contact.id for contact in people.values() if contact.is_gone}
        return known
