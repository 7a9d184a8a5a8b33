"""kill -9 at each fault point of the write path, with two processes: no acknowledged consent is lost, and every
consequence happens once."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from bot.consent.counts import miscounted
from bot.consent.verify import verify
from bot.model.conversation import Card, CardState
from bot.model.delivery import DeliveryState
from bot.model.event import ConsentEvent
from bot.store import Store
from bot.store.counts import COUNTS
from bot.store.embedded import EmbeddedServer
from tests import processes
from tests.conftest import PATIENCE, Visitor, eventually, free_port
from tests.events import crashing_server

POINTS = (
    "recorded",
    "projected",
    *(f"{when} {consumer}" for consumer in ("cards", "texts", "flows") for when in ("before", "after")),
    "before counts",
    "after counts",
    "before cursor",
)
FEW = ("recorded", "after cards", "before texts")
"""A small run kills one process at these; `make soak` kills both in turn, at all of them, on a quiet machine."""


class Process:
    """A server of its own, and where it is to be killed."""

    def __init__(self, mongo: EmbeddedServer, database: str) -> None:
        self._arguments = (mongo.url, database)
        self.port = free_port()
        self._process: processes.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def has_died(self) -> bool:
        return self._process is None or self._process.returncode is not None

    async def start(self, point: str = "") -> None:
        self._process = await processes.start(crashing_server.serve, *self._arguments, self.port, point)
        async with asyncio.timeout(PATIENCE):
            # It may die of what another one left.
            assert await self._process.stdout.readline() in {b"Ready.\n", b""}

    async def stop(self) -> None:
        if self._process:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def _two(mongo: EmbeddedServer, database: str) -> AsyncIterator[tuple[Process, Process]]:
    both = Process(mongo, database), Process(mongo, database)
    try:
        yield both
    finally:
        await asyncio.gather(*(process.stop() for process in both))


class Crowd:
    """Visitors who sign up, and ask the other server when theirs does not answer."""

    def __init__(self, session: aiohttp.ClientSession, processes: tuple[Process, Process]) -> None:
        self._session = session
        self._processes = processes
        self._numbers = itertools.count(1000)
        self.acknowledged: list[str] = []
        """Conversations whose visitor was told that it worked."""

    async def one(self, at: int) -> None:
        bases = itertools.cycle([self._processes[(at + i) % 2].url for i in (0, 1)])
        visitor, number = Visitor(self._session, next(bases)), f"+1201555{next(self._numbers):04d}"
        while not visitor.conversation:
            try:
                await visitor.open()
            except (aiohttp.ClientError, AssertionError):
                visitor.base = next(bases)
        while True:
            try:
                status, _ = await visitor.submit(number)
            except aiohttp.ClientError:
                status = 0
            if status == 200:
                self.acknowledged.append(visitor.conversation)
                return
            visitor.base = next(bases)
            await asyncio.sleep(0.05)

    async def sign_up(self, count: int) -> None:
        await asyncio.gather(*(self.one(i) for i in range(count)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("points", "visitors", "seconds"),
    [(FEW, 4, PATIENCE), pytest.param(POINTS * 2, 40, 1.0, marks=pytest.mark.soak)],
    ids=["small", "large"],
)
async def test_nothing_is_lost_and_nothing_happens_twice(
    demo_store: Store, mongo: EmbeddedServer, points: tuple[str, ...], visitors: int, seconds: float
) -> None:
    """Once all that follows is done, the counts are exact within `seconds`."""
    store = demo_store
    async with _two(mongo, store.database.name) as processes, aiohttp.ClientSession() as session:
        crowd = Crowd(session, processes)
        for i, point in enumerate(points):
            victim = processes[i % 2 if points is not FEW else 0]
            for process in processes:  # also one that its point did not kill yet, or none would be left of both
                await process.stop()
                await process.start(point if process is victim else "")
            await crowd.sign_up(visitors)
            if point not in {"before counts", "after counts", "before cursor"}:
                await eventually(victim.has_died)
        for process in processes:
            await process.stop()
        await processes[0].start()
        await eventually(lambda: _is_settled(store, len(crowd.acknowledged)))
        async with asyncio.timeout(seconds):
            await eventually(lambda: _is_counted(store))
        await _is_exact(store, crowd.acknowledged)


async def _is_settled(store: Store, consents: int) -> bool:
    ended = await store.conversations.collection.count_documents({"run.state.status": "ended"})
    sent = await store.deliveries.collection.count_documents({"state": DeliveryState.SENT})
    return ended >= consents and sent >= consents


async def _is_exact(store: Store, acknowledged: list[str]) -> None:
    events = [event async for page in store.events.scan() for event in page]
    by_conversation = {event.context.conversation: event for event in events}
    assert set(acknowledged) <= set(by_conversation), "no acknowledged consent is lost"
    assert Counter(event.contact for event in events).most_common(1)[0][1] == 1, "and none is there twice"
    assert await miscounted(store) == {}
    report = await verify(store, repair=False)
    assert report.is_whole, report
    for event in events:
        await _has_its_consequences(store, event)


async def _is_counted(store: Store) -> bool:
    found = await store.consent_counts.get(COUNTS)
    counted = sum(n for counts in found.counts.values() for n in counts.values()) if found else 0
    return counted == await store.events.collection.count_documents({})


async def _has_its_consequences(store: Store, event: ConsentEvent) -> None:
    parts = await store.parts.after(event.context.conversation or "", 0, limit=20)
    assert [part.content.kind for part in parts] == ["text", "card", "event", "text"], parts
    assert isinstance(parts[1].content, Card)
    assert parts[1].content.state is CardState.COMPLETED
    deliveries = await store.deliveries.find({"number": event.number}, limit=5)
    assert [(d.event, d.state) for d in deliveries] == [(event.event, DeliveryState.SENT)]
