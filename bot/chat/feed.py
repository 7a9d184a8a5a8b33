"""The live feed: every new part, in whichever process it was written, to whoever follows its conversation here."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from bot.model.conversation import Part
from bot.store import Store
from bot.store.changes import Raw

BACKLOG = 200
"""Parts that a slow follower may be behind before it is told to read from the database instead."""


class Follower:
    """One reader of one conversation.

    `next()` answers what is new; None says: something may be missing, read it.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Part | None] = asyncio.Queue(BACKLOG)

    async def next(self) -> Part | None:
        return await self._queue.get()

    def offer(self, part: Part | None) -> None:
        if self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
            part = None
        self._queue.put_nowait(part)


class Feed:
    """One change stream a process, whatever the number of followers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._followers: defaultdict[str, set[Follower]] = defaultdict(set)

    async def start(self) -> None:
        await self._store.changes.start(self._store.parts.name, self._deliver, self._lost)

    @contextmanager
    def follow(self, conversation: str) -> Iterator[Follower]:
        follower = Follower()
        self._followers[conversation].add(follower)
        try:
            yield follower
        finally:
            self._followers[conversation].discard(follower)
            if not self._followers[conversation]:
                del self._followers[conversation]

    @property
    def followers(self) -> int:
        return sum(len(of_one) for of_one in self._followers.values())

    def _deliver(self, batch: list[Raw]) -> None:
        for raw in batch:
            if of_one := self._followers.get(raw["conversation"]):
                part = Part.load(dict(raw))
                for follower in of_one:
                    follower.offer(part)

    def _lost(self) -> None:
        for of_one in self._followers.values():
            for follower in of_one:
                follower.offer(None)
