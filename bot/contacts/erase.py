"""Erases a person: removes their data from every collection and keeps what proves that the ledger is complete.

The event comes first. From then on nothing is recorded for the contact, their tokens are refused, and if this process
dies, another one finishes the rest (`bot.events.consumers.erasure`). Their numbers stay as keyed hashes, so that a STOP
still holds.
"""

from __future__ import annotations

from bot.consent.ledger import Ledger
from bot.contacts.imports.uploads import UploadedRows
from bot.contacts.known_by import Known, known_by
from bot.fault_points import reach
from bot.model.event import Actor, ConsentEvent, Source
from bot.model.job import words_of
from bot.store import Store
from bot.store.personal_data import Person


class Eraser:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger
        self._uploads = UploadedRows(store)

    async def erase(self, contact: str, by: Actor, source: Source) -> bool:
        """Deletes everything, including what belongs to contacts merged into this one, before it returns. True: this
        call was the first. Raises NotFound or StoreUnavailable (safe to retry)."""
        recorded = await self._ledger.record_erasure(contact, by, source, "erase")
        await self.finish(recorded.event)
        return recorded.is_new

    async def finish(self, event: ConsentEvent) -> None:
        """What follows from an `erase`. Idempotent. The ledger's values go last: they name the person's numbers."""
        reach("before erasing")
        known = await known_by(self._store, event.contact, before=event.seq)
        await self._uploads.erase(known.traces, known.id_keys)
        await self._forget_words(known)
        reach("before erasing the rest")
        await self._store.personal_data.erase(Person(event.contact, await self._numbers(event)))
        reach("before erasing events")
        await self._ledger.drop_values(event)
        for merged in await self._store.contacts.merged_into(event.contact):
            if merged.erased_at is None:
                await self.erase(merged.id, event.actor, event.source)

    async def _forget_words(self, known: Known) -> None:
        """Filters and notes of jobs, and notes of imports that wait, if they name the person."""
        for job in await self._store.jobs.with_words():
            if any(known.is_named_in(text) for text in words_of(job.input)):
                await self._store.jobs.forget(job.id)
        for file in await self._store.contact_imports.with_note():
            if file.plan and known.is_named_in(file.plan.note):
                await self._store.contact_imports.change(file.id, {"plan.note": ""})

    async def _numbers(self, erase: ConsentEvent) -> frozenset[str]:
        """Every number that the chain names."""
        found: set[str] = set()
        async for page in self._store.events.pages_raw_of(erase.contact, before=erase.seq):
            found |= {value for raw in page for name in ("number", "replaced") if (value := raw.get(name))}
        return frozenset(value for value in found if value.startswith("+"))
