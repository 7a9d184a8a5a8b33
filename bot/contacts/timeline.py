"""A contact's timeline: consents, texts, conversations, edits, tags and imports in one list, the newest first.

Each source is read from where the page before ended in it: a cursor holds one position for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from heapq import merge
from itertools import islice
from typing import Any

from bot.consent.reader import ConsentHistory, ConsentReader
from bot.model.audit import AuditAction, AuditEntry
from bot.model.contact_import import ContactImport, ImportChange
from bot.model.conversation import Conversation
from bot.model.delivery import Delivery
from bot.model.event import ConsentEvent
from bot.model.job import Job, JobItem
from bot.model.paging import Cursor, Key, sequence_of, unreadable
from bot.store import Store

Entry = ConsentEvent | Delivery | Conversation | AuditEntry | ImportChange | JobItem
EDITS = (
    AuditAction.CONTACT_EDITED,
    AuditAction.CONTACT_ARCHIVED,
    AuditAction.CONTACT_UNARCHIVED,
    AuditAction.CONTACT_DATA_DOWNLOADED,
)
TAG_JOBS = ("add_tag", "remove_tag")
MOST_TAG_JOBS = 500
"""The newest ones, whose results are looked up by the contact's id. Results are kept 90 days."""
BY_TIME: tuple[type[Key], ...] = (datetime, str)


class Kind(StrEnum):
    CONSENT = "consent"
    TEXT = "text"
    CONVERSATION = "conversation"
    EDIT = "edit"
    IMPORT = "import"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class TimelinePage:
    entries: Sequence[Entry]
    history: ConsentHistory
    """Its consent events, and the names that they refer to."""
    jobs: Mapping[str, Job]
    """Those that changed tags, by id."""
    files: Mapping[str, ContactImport]
    """Imported files, by id. One that expired is missing."""
    next: str
    """The cursor of the next page; empty: this is the last one."""


class Timelines:
    def __init__(self, store: Store, consents: ConsentReader) -> None:
        self._store = store
        self._reader = consents
        self._sources: dict[Kind, Callable[[str, Cursor | None, int], Awaitable[Sequence[Any]]]] = {
            Kind.CONSENT: self._consents,
            Kind.TEXT: store.deliveries.to_contact,
            Kind.CONVERSATION: store.conversations.of_contact,
            Kind.EDIT: self._edits,
            Kind.IMPORT: store.import_changes.of_contact,
            Kind.TAG: self._tags,
        }

    async def page(
        self, contact: str, cursor: str = "", kinds: Sequence[Kind] = (*Kind,), limit: int = 20
    ) -> TimelinePage:
        """Raises Invalid for a cursor that can't be read."""
        places = read_places(cursor)
        found = await asyncio.gather(*(self._sources[kind](contact, places.get(kind), limit + 1) for kind in kinds))
        lists = [[(time_of(entry), kind, entry) for entry in some] for kind, some in zip(kinds, found, strict=True)]
        newest = [*islice(merge(*lists, key=lambda entry: entry[0], reverse=True), limit + 1)]
        places |= {kind: Cursor(_keys(entry)) for _, kind, entry in newest[:limit]}
        next = ";".join(f"{kind}:{place}" for kind, place in places.items()) if len(newest) > limit else ""
        return await self._named([entry for _, _, entry in newest[:limit]], next)

    async def _named(self, entries: Sequence[Entry], next: str) -> TimelinePage:
        history, jobs, files = await asyncio.gather(
            self._reader.named([entry for entry in entries if isinstance(entry, ConsentEvent)]),
            self._store.jobs.get_many(entry.job for entry in entries if isinstance(entry, JobItem)),
            self._store.contact_imports.get_many(entry.job for entry in entries if isinstance(entry, ImportChange)),
        )
        return TimelinePage(entries, history, jobs, files, next)

    async def _consents(self, contact: str, after: Cursor | None, limit: int) -> Sequence[ConsentEvent]:
        return (await self._store.events.before(contact, sequence_of(after), limit=limit))[::-1]

    async def _edits(self, contact: str, after: Cursor | None, limit: int) -> Sequence[AuditEntry]:
        return await self._store.audit_log.about(contact, EDITS, after, limit=limit)

    async def _tags(self, contact: str, after: Cursor | None, limit: int) -> Sequence[JobItem]:
        jobs = await self._store.jobs.newest_of(TAG_JOBS, limit=MOST_TAG_JOBS)
        items = await self._store.job_items.get_many(f"{job.id}:{contact}" for job in jobs)
        changed = [item for item in items.values() if item.outcome == "changed"]
        older = [item for item in changed if after is None or _keys(item) < after.keys]
        return sorted(older, key=_keys, reverse=True)[:limit]


def read_places(text: str) -> dict[Kind, Cursor]:
    """Raises Invalid."""
    places: dict[Kind, Cursor] = {}
    for part in filter(None, text.split(";")):
        name, _colon, keys = part.partition(":")
        if name not in [*Kind]:
            raise unreadable()
        place = Cursor.parse(keys, *((int,) if name == Kind.CONSENT else BY_TIME))
        places |= {Kind(name): place} if place else {}
    return places


def time_of(entry: Entry) -> datetime:
    """Of a conversation, when something last happened in it."""
    if isinstance(entry, Conversation):
        return entry.updated_at
    return entry.created_at if isinstance(entry, Delivery) else entry.at


def _keys(entry: Entry) -> tuple[Key, ...]:
    return (entry.seq,) if isinstance(entry, ConsentEvent) else (time_of(entry), entry.id)
