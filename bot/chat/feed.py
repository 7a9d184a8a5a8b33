"""The live feed: changes made by any process, for the followers in this one.

Entries that this process wrote are published to its followers as soon as they are durable; the change stream brings
those of other processes, and passes over what this process writes.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, groupby

from bot.model.conversation import Conversation, Part
from bot.model.event import Action
from bot.model.signal import Signal
from bot.store import Store
from bot.store.changes import DocumentChange
from bot.store.contacts import EDITED

BACKLOG = 200
"""Limit of queued news per follower; a slower one reads the database instead."""

REMEMBERED = 10_000
"""Own writes that the change stream has not shown yet. Followers pass over an entry that they get twice, so a longer
lag costs time, and nothing else."""

SUBSCRIPTIONS = "subscriptions"
"""The topic of every change of a subscription: its words, its state."""

INBOX = "inbox"
"""The topic of every change of a conversation's figures, state or assignee."""

CONTACTS = "contacts"
"""The topic of new contacts."""

WEBHOOKS = "webhooks"
"""The topic of every change of an endpoint."""


def figures_of(conversation: str) -> str:
    """The topic of changes of one conversation's figures, state or assignee."""
    return f"figures:{conversation}"


def flow_of(id: str) -> str:
    """The topic of one flow: who edits it, and changes of it and of its draft."""
    return f"flow:{id}"


def message_of(id: str) -> str:
    """The topic of one outbound message: who edits it, and changes of it."""
    return f"message:{id}"


def account_of(id: str) -> str:
    """The topic of changes of one teammate or one session: the role, a removal, a sign-out."""
    return f"account:{id}"


@dataclass(frozen=True, slots=True)
class News:
    """Something under this topic changed: read it again. A contact's topic is their id, a stop's the number."""

    topic: str
    id: str = field(default="", compare=False)
    """Of the conversation that changed."""
    source: str = field(default="", compare=False)
    """Of a consent: its source."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of one conversation, in order: new ones, and before them what was written together with them."""

    parts: tuple[Part, ...]


Told = Entries | Signal | News | None


class Follower:
    """Reads some topics. `next()` returns new changes, or None if some may be missing: read the database then."""

    def __init__(self) -> None:
        self.topics: set[str] = set()
        self._queue: asyncio.Queue[Told] = asyncio.Queue(BACKLOG)

    async def next(self) -> Told:
        return await self._queue.get()

    @property
    def is_idle(self) -> bool:
        """Nothing is queued."""
        return self._queue.empty()

    def forget(self) -> None:
        """Drops queued changes; for a reader that has just read the database."""
        while not self._queue.empty():
            self._queue.get_nowait()

    def offer(self, news: Told) -> None:
        if self._queue.full():
            self.forget()
            news = None
        self._queue.put_nowait(news)


class Feed:
    """One change stream a process, whatever the number of followers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._followers: defaultdict[str, set[Follower]] = defaultdict(set)
        self._own: dict[str, None] = {}

    async def start(self) -> None:
        store = self._store
        await store.changes.start(
            self._deliver,
            self._lost,
            whole=(store.parts.name, store.signals.name),
            inserted=(store.events.name, store.subscription_versions.name, store.contacts.name),
            changed=(
                store.stops.name,
                store.conversations.name,
                store.teammates.name,
                store.sessions.name,
                store.webhook_endpoints.name,
                store.flows.name,
                store.flow_drafts.name,
                store.outbound_messages.name,
            ),
            removed=(store.contacts.name,),
            edited={store.contacts.name: EDITED},
        )

    @contextmanager
    def follow(self, *topics: str) -> Iterator[Follower]:
        """Topics: a conversation (its entries and signals), `figures_of` one, INBOX, a contact (their consents
        and fields), CONTACTS, a number (its stop), SUBSCRIPTIONS, WEBHOOKS, `flow_of` a flow, `message_of` an outbound
        message, `account_of` a teammate or a session.
        """
        follower = Follower()
        self.also(follower, *topics)
        try:
            yield follower
        finally:
            for topic in follower.topics:
                self._followers[topic].discard(follower)
                if not self._followers[topic]:
                    del self._followers[topic]

    def also(self, follower: Follower, *topics: str) -> None:
        """Follows these topics too, such as a number that the contact got since."""
        for topic in topics:
            follower.topics.add(topic)
            self._followers[topic].add(follower)

    @property
    def followers(self) -> int:
        return len(set().union(*self._followers.values()))

    @contextmanager
    def writing(self, ids: Collection[str]) -> Iterator[list[Part | Conversation]]:
        """Around a write of entries, or of conversations with entries in them. What is put into the list is durable,
        and is handed over at the end.

        The change stream, which may be quicker than the reply to the write, passes over these `ids`. For those that
        were not written, followers read the database: another process may have written them. A connection that begins
        to follow meanwhile misses nothing: it reads the database once it follows.
        """
        self._expect(ids)
        written: list[Part | Conversation] = []
        try:
            yield written
        finally:
            for topic, entries in groupby(written, key=_conversation_of):
                if topic in self._followers:
                    self._offer(topic, Entries(tuple(chain.from_iterable(map(_parts_of, entries)))))
            done = {item.id for item in written} | {*map(_conversation_of, written)}
            for id in ids:
                if id not in done:
                    self._own.pop(id, None)
                    self._offer(id.partition(":")[0], None)

    def _expect(self, ids: Collection[str]) -> None:
        self._own |= dict.fromkeys(ids)
        while len(self._own) > REMEMBERED:
            del self._own[next(iter(self._own))]

    def _is_own(self, change: DocumentChange) -> bool:
        """Whether this process writes it and publishes it itself."""
        is_own = change.id in self._own
        self._own.pop(change.id, None)
        return is_own

    def _offer(self, topic: str, news: Told) -> None:
        for follower in self._followers.get(topic, ()):
            follower.offer(news)

    def _deliver(self, batch: list[DocumentChange]) -> None:
        for change in batch:
            if change.table == self._store.subscription_versions.name:
                self._store.subscriptions.recent.cache_clear()
            elif change.table == self._store.teammates.name:
                self._store.teammates.recent.cache_clear()
            for topic in self._topics(change):
                if self._has_entries(change, topic) and self._is_own(change):
                    continue
                if topic in self._followers:
                    self._offer(topic, self._news(change, topic))

    def _has_entries(self, change: DocumentChange, topic: str) -> bool:
        is_conversation = change.table == self._store.conversations.name and topic == change.id
        return is_conversation or change.table == self._store.parts.name

    def _news(self, change: DocumentChange, topic: str) -> Told:
        if topic == change.id and change.table == self._store.conversations.name:
            return None  # it contains its first entries
        if change.table == self._store.parts.name:
            return Entries((Part.load(dict(change.document)),))
        if change.table == self._store.signals.name:
            return Signal.load(dict(change.document))
        # The entry of an answer announces it; a canceled request has no entry.
        is_told = change.document.get("action") != Action.CANCEL
        return News(topic, change.id, change.document.get("source", "") if is_told else "")

    def _topics(self, change: DocumentChange) -> Sequence[str]:
        if change.table == self._store.subscription_versions.name:
            return (SUBSCRIPTIONS,)
        if change.table == self._store.conversations.name:
            opened = (change.id,) if change.is_new else ()
            return (INBOX, figures_of(change.id), *opened)
        if change.table in {self._store.teammates.name, self._store.sessions.name}:
            return (account_of(change.id),)
        if change.table == self._store.signals.name:
            return (str(change.document["conversation"]),)
        if change.table == self._store.webhook_endpoints.name:
            return (WEBHOOKS,)
        if change.table in {self._store.flows.name, self._store.flow_drafts.name}:
            return (flow_of(change.id),)
        if change.table == self._store.outbound_messages.name:
            return (message_of(change.id),)
        if change.table == self._store.contacts.name and change.is_new:
            return (CONTACTS,)
        return (change.id.partition(":")[0],)  # a log's entry is named by its owner, a stop by its number

    def _lost(self) -> None:
        self._store.subscriptions.recent.cache_clear()
        for follower in set().union(*self._followers.values()):
            follower.offer(None)


def _conversation_of(written: Part | Conversation) -> str:
    return written.conversation if isinstance(written, Part) else written.id


def _parts_of(written: Part | Conversation) -> Sequence[Part]:
    return [written] if isinstance(written, Part) else written.opening_parts
