"""Reads the contacts of a selection, a batch at a time in the order of their ids, and previews what a change does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.contacts.bulk_rules import BulkOutcome
from bot.contacts.finder import ContactCount, ContactFinder
from bot.model.contact import Contact
from bot.model.filter import Filter
from bot.model.selection import Selection
from bot.store import Store

PREVIEWED = 2000
"""Contacts that a preview looks at; of a larger selection it is a sample."""
SHOWN = 5
"""Examples of each result."""
Judge = Callable[[Sequence[Contact]], Awaitable[Mapping[str, str]]]
"""Tells what becomes of each contact, by id."""


@dataclass(frozen=True, slots=True)
class SelectedBatch:
    contacts: Sequence[Contact]
    gone: Sequence[str]
    """Selected one by one, and gone since."""
    read: int
    last: str | None
    """Where the next batch continues; None: this is the last one."""


@dataclass(frozen=True, slots=True)
class BulkPreview:
    """What a change would do. `seen` of them were looked at: all, or a sample."""

    total: ContactCount
    seen: int
    counts: Mapping[str, int]
    samples: Mapping[str, Sequence[Contact]] = field(default_factory=dict)

    @property
    def is_sample(self) -> bool:
        return not self.total.is_exact or self.seen < self.total.number


class SelectedContacts:
    def __init__(self, store: Store, finder: ContactFinder) -> None:
        self._contacts = store.contacts
        self._finder = finder

    async def count(self, selection: Selection) -> ContactCount:
        if selection.filter is None:
            return ContactCount(len(selection.ids), is_exact=True)
        return await self._finder.count(Filter.from_text(selection.filter))

    async def batch(self, selection: Selection, after: str, limit: int, before: datetime) -> SelectedBatch:
        """The next contacts after an id. Of a filter, those who were created `before` the change was ordered."""
        ids = await self._ids(selection, after, limit)
        contacts = await self.living(ids)
        last = ids[-1] if len(ids) == limit else None
        if selection.filter is None:
            there = {contact.id for contact in contacts}
            return SelectedBatch(contacts, [id for id in ids if id not in there], len(ids), last)
        return SelectedBatch([contact for contact in contacts if contact.created_at <= before], [], len(ids), last)

    async def living(self, ids: Sequence[str]) -> list[Contact]:
        """Those of these who were neither erased nor merged into another."""
        found = await self._contacts.get_many(ids)
        return [contact for id in ids if (contact := found.get(id)) and not contact.is_gone]

    async def preview(self, selection: Selection, judge: Judge) -> BulkPreview:
        total = await self.count(selection)
        ids = await self._ids(selection, "", PREVIEWED)
        people = await self.living(ids)
        outcomes: dict[str, str] = {**dict.fromkeys(ids, BulkOutcome.GONE), **await judge(people)}
        samples: dict[str, list[Contact]] = {}
        for contact in people:
            if len(some := samples.setdefault(outcomes[contact.id], [])) < SHOWN:
                some.append(contact)
        return BulkPreview(total, len(ids), Counter(outcomes.values()), samples)

    async def _ids(self, selection: Selection, after: str, limit: int) -> list[str]:
        if selection.filter is None:
            return sorted(id for id in set(selection.ids) if id > after)[:limit]
        return await self._finder.ids(Filter.from_text(selection.filter), after, limit)
