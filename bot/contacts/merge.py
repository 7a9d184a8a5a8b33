"""Merging two contacts that are one person.

The event in the other contact's chain comes first: from then on nothing is recorded for it, and if this process dies,
another one finishes the rest. Both chains stay, and name each other. The rules are in `bot.contacts.merge_rules`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.consent.changes import ConsentChange
from bot.consent.ledger import Ledger
from bot.consent.projection import project
from bot.contacts.merge_rules import Merger, merged
from bot.errors import Invalid, NotFound
from bot.errors import marked as _
from bot.fault_points import reach
from bot.model.contact import Contact
from bot.model.event import NOWHERE, Action, Actor, ConsentEvent, Context, Source
from bot.model.pace import NO_PACE
from bot.store import Store

MOST = 100_000
"""Events of one chain that are read."""


@dataclass(frozen=True, slots=True)
class MergePreview:
    kept: Contact
    other: Contact
    merger: Merger


class ContactMerge:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    async def preview(self, kept: str, other: str) -> MergePreview:
        """Raises NotFound, and Invalid for a contact with itself."""
        if kept == other:
            raise Invalid(_("Choose another contact."))
        one, two = await asyncio.gather(self.living(kept), self.living(other))
        return MergePreview(one, two, merged(one, two))

    async def merge(self, kept: str, other: str, by: Actor, source: Source, context: Context = NOWHERE) -> Contact:
        """Returns the kept contact once everything is done. The same again changes nothing.

        Raises NotFound (also for a contact that was erased, or merged into a third one), Invalid for a contact with
        itself, and StoreUnavailable (safe to retry).
        """
        contact = await self._ledger.contact(other)
        if contact is None or contact.merged_into != kept:
            contact = (await self.preview(kept, other)).other

        async def decide(judged: Contact) -> ConsentChange | None:
            if judged.merged_into == kept:
                return None
            return ConsentChange(
                contact=other,
                action=Action.MERGE,
                source=source,
                actor=by,
                context=context,
                merged_into=kept,
                key="merge",
                judged=judged,
            )

        await self._ledger.decide(contact, decide)
        reach("before merging")
        found = await self._store.events.by_key(other, f"{other}:merge")
        if found is None:
            raise NotFound(_("Contact not found."))
        return await self.finish(found)

    async def finish(self, event: ConsentEvent) -> Contact:
        """What follows from a `merge` into another contact. Idempotent."""
        kept = await self._kept(event.merged_into or "")
        if kept.erased_at:
            return kept  # erasing it erases this one
        events = await self._store.events.after(event.contact, 0, limit=MOST)
        stored = await self._store.contacts.get(event.contact)
        if stored is None:
            raise NotFound(_("Contact not found."))
        before = project(
            stored.model_copy(update={"phone": None, "email": None}), [e for e in events if e.seq < event.seq]
        )

        async def decide(judged: Contact) -> ConsentChange:
            merger = merged(judged, before)
            return ConsentChange(
                contact=judged.id,
                action=Action.MERGE,
                source=event.source,
                actor=event.actor,
                number=merger.phone,
                email=merger.email,
                merged_from=event.contact,
                merged=dict(merger.consents) or None,
                pace=judged.pace.stricter(before.pace) if before.pace != NO_PACE else None,
                key=f"merge:{event.contact}",
                judged=judged,
            )

        kept, _recorded = await self._ledger.decide(kept, decide)
        reach("before moving")
        await self._store.merges.take_over(kept.id, event.contact, merged)
        await self._store.merges.move(event.contact, kept.id)
        return await self._ledger.contact(kept.id) or kept

    async def _kept(self, id: str) -> Contact:
        """The contact who is kept in the end: it may have been merged into another one since."""
        contact = await self._ledger.contact(id)
        if contact is None:
            raise NotFound(_("Contact not found."))
        return await self._kept(contact.merged_into) if contact.merged_into else contact

    async def living(self, id: str) -> Contact:
        """A contact that was neither erased nor merged into another. Raises NotFound."""
        contact = await self._ledger.contact(id)
        if contact is None or contact.is_gone:
            raise NotFound(_("Contact not found."))
        return contact
