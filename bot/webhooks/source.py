"""Tells the outbox what changed besides consents: contacts, conversations and texts. One process at a time reads it.

It reads the database's own log of changes, so no request pays for it, and nothing is read while no endpoint wants such
a topic.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.jobs.lease import Lease
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.conversation import Conversation, Part
from bot.model.event_cursor import EventCursor
from bot.model.tag import Tag
from bot.model.webhook import WebhookEndpoint
from bot.shapes.contact import ContactAnswer, ContactShapes
from bot.shapes.conversation import ConversationAnswer, ConversationShapes
from bot.store import Store
from bot.store.change_reader import ChangeReader, TokenLost
from bot.store.webhook_changes import StoreChange, webhook_changes
from bot.webhooks.occurrences import (
    OF_CHANGE,
    Occurrence,
    of_contact,
    of_delivery,
    of_opening,
    of_part,
    place_in_time,
    topic_of_part,
)
from bot.webhooks.outbox import WebhookOutbox

log = logging.getLogger("sayso.webhooks")

CURSOR = "webhooks"
LOOK_SECONDS = 1.0
"""How often the cached endpoints are checked while none subscribes to changes."""
WAIT_MS = 1000
IDLE = timedelta(seconds=30)
"""How often the cursor moves while nothing changes, so that its token stays in the oplog."""


class WebhookSource:
    def __init__(self, store: Store, outbox: WebhookOutbox) -> None:
        self._store = store
        self._outbox = outbox
        self._contacts, self._conversations = ContactShapes(store), ConversationShapes(store)
        self._holder = new_id()

    async def work(self, stop: asyncio.Event) -> None:
        """Runs until stopped. Raises StoreUnavailable: the next call continues from the cursor."""
        while not stop.is_set():
            if self._is_wanted:
                await self._follow(stop)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)

    @property
    def _is_wanted(self) -> bool:
        return self._outbox.wants(OF_CHANGE)

    async def _follow(self, stop: asyncio.Event) -> None:
        async with Lease(self._store, "webhook_changes", self._holder) as lease:
            while self._is_wanted and not stop.is_set():
                if lease.is_held:
                    await self._read(stop, lease)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), LOOK_SECONDS)

    async def _read(self, stop: asyncio.Event, lease: Lease) -> None:
        try:
            async with await self._from_here() as stream:
                await self._tell(stream, stop, lease)
        except TokenLost:
            log.error("changes since the last notification can no longer be read: webhooks continue with new ones")
            async with webhook_changes(self._store, None, None) as stream:
                await self._tell(stream, stop, lease)

    async def _from_here(self) -> ChangeReader:
        """From the cursor, if it was kept for one of these topics, else from when the first of them was chosen."""
        cursor = await self._store.event_cursors.get(CURSOR)
        since = wanted_since(self._outbox.endpoints)
        if cursor and cursor.at >= since:
            return webhook_changes(self._store, cursor.token, None)
        return webhook_changes(self._store, None, since)

    async def _tell(self, stream: ChangeReader, stop: asyncio.Event, lease: Lease) -> None:
        saved = now() - IDLE
        while self._is_wanted and lease.is_held and not stop.is_set():
            time = now()
            changes = [StoreChange.of(raw) for raw in await stream.take_raw(wait_ms=WAIT_MS)]
            await self._outbox.add(await self.occurrences(changes))
            if changes or time - saved >= IDLE:
                saved = time
                await self._store.event_cursors.save(EventCursor(id=CURSOR, token=stream.token, at=time))

    async def occurrences(self, changes: Sequence[StoreChange]) -> list[Occurrence]:
        """As documents are now; those that are gone or erased meanwhile are left out."""
        if not changes:
            return []
        store, ids = self._store, _ids(changes)
        parts = {change.id: Part.load(dict(change.document)) for change in changes if change.table == store.parts.name}
        ids["conversations"] += [part.conversation for part in parts.values()]
        contacts, conversations, deliveries = await asyncio.gather(
            store.contacts.get_many(ids["contacts"]),
            store.conversations.get_many(ids["conversations"]),
            store.deliveries.get_many(ids["deliveries"]),
        )
        talks = {id: talk for id, talk in conversations.items() if talk.erased_at is None}
        drawn, tags = await self._drawn(contacts, talks, parts), await self._tags(changes)
        found: list[Occurrence | None] = []
        for change in changes:
            order = place_in_time(change.at.replace(microsecond=0), change.moment.inc)
            if contact := drawn.contacts.get(change.id):
                found += of_contact(contact, change, order, tags)
            elif (part := parts.get(change.id)) and (item := drawn.replies.get(part.id)):
                found.append(of_part(part, talks[part.conversation], item, order))
            elif (talk := talks.get(change.id)) and change.table == store.conversations.name:
                found.append(of_opening(talk, drawn.openings[talk.id], change.at, order))
            elif delivery := deliveries.get(change.id):
                found += [of_delivery(delivery, became, change.at, order) for became in change.became]
        return [one for one in found if one]

    async def _drawn(
        self, contacts: Mapping[str, Contact], talks: Mapping[str, Conversation], parts: Mapping[str, Part]
    ) -> _Drawn:
        here = [contact for contact in contacts.values() if not contact.is_gone]
        replies = [part for part in parts.values() if part.conversation in talks and topic_of_part(part)]
        people, openings, drawn = await asyncio.gather(
            self._contacts.of_many(here),
            self._conversations.of_many([*talks.values()]),
            self._conversations.of_entries([(talks[part.conversation], part) for part in replies]),
        )
        return _Drawn(
            {one.id: one for one in people},
            {one.id: one for one in openings},
            {part.id: one for part, one in zip(replies, drawn, strict=True)},
        )

    async def _tags(self, changes: Sequence[StoreChange]) -> dict[str, Tag]:
        """Those that contacts got or lost; deleted ones, too."""
        return await self._store.tags.get_many({tag for one in changes for tag in (*one.tagged, *one.untagged)})


@dataclass(frozen=True, slots=True)
class _Drawn:
    """By id; `replies` by that of the entry."""

    contacts: Mapping[str, ContactAnswer]
    openings: Mapping[str, ConversationAnswer]
    replies: Mapping[str, ConversationAnswer]


def wanted_since(endpoints: Sequence[WebhookEndpoint]) -> datetime:
    """When the first topic that follows from changes was chosen."""
    starts = (one.starts(topic) for one in endpoints for topic in OF_CHANGE.intersection(one.topics))
    return min(starts, default=now())


def _ids(changes: Sequence[StoreChange]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"contacts": [], "conversations": [], "deliveries": []}
    for change in changes:
        if change.table in found:
            found[change.table].append(change.id)
    return found
