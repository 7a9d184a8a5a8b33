"""kill -9 at each fault point of the write path, with two processes: no acknowledged consent is lost, and every
consequence happens once."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
from tests.conftest import Visitor, eventually, free_port

POINTS = (
    "recorded",
    "projected",
    *(f"{when} {consumer}" for consumer in ("cards", "texts", "flows") for when in ("before", "after")),
    "before counts",
    "after counts",
    "before cursor",
)
FEW = ("recorded", "after cards", "before texts")
"""A small run kills one process at these; `make soak` kills both in turn, at all of them."""


class Process:
    """A server of its own, and where it is to be killed."""

    def __init__(self, mongo: EmbeddedServer, database: str) -> None:
        self._arguments = (mongo.url, database)
        self.port = free_port()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def has_died(self) -> bool:
        return self._process is None or self._process.returncode is not None

    async def start(self, point: str = "") -> None:
        command = (sys.executable, "-m", "tests.events.crashing_server", *self._arguments, str(self.port), point)
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout
        async with asyncio.timeout(180):
            assert await self._process.stdout.readline() in {b"Ready.\n", b""}  # it may die of what another one left

    async def stop(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()
        if self._process:
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
    ("points", "visitors"), [(FEW, 4), pytest.param(POINTS * 2, 40, marks=pytest.mark.soak)], ids=["small", "large"]
)
async def test_nothing_is_lost_and_nothing_happens_twice(
    demo_store: Store, mongo: EmbeddedServer, points: tuple[str, ...], visitors: int
) -> None:
    store = demo_store
    async with _two(mongo, store.database.name) as processes, aiohttp.ClientSession() as session:
        crowd = Crowd(session, processes)
        for i, point in enumerate(points):
            victim = processes[i % 2 if points is not FEW else 0]
            for process in processes:
                if process is victim or await process.has_died():
                    await process.stop()
                    await process.start(point if process is victim else "")
            await crowd.sign_up(visitors)
            if point not in {"before counts", "after counts", "before cursor"}:
                await eventually(victim.has_died, seconds=20)
        for process in processes:
            await process.stop()
        await processes[0].start()
        await eventually(lambda: _is_settled(store, len(crowd.acknowledged)), seconds=60)
        await _is_exact(store, crowd.acknowledged)


async def _is_settled(store: Store, consents: int) -> bool:
    """Recovered: what follows is done, and the counts are right no later than a second after that."""
    ended = await store.conversations.collection.count_documents({"run.state.status": "ended"})
    sent = await store.deliveries.collection.count_documents({"state": DeliveryState.SENT})
    return ended >= consents and sent >= consents


async def _is_exact(store: Store, acknowledged: list[str]) -> None:
    events = [event async for page in store.events.scan() for event in page]
    by_conversation = {event.context.conversation: event for event in events}
    assert set(acknowledged) <= set(by_conversation), "no acknowledged consent is lost"
    assert Counter(event.contact for event in events).most_common(1)[0][1] == 1, "and none is there twice"
    await eventually(lambda: _is_counted(store, len(events)), seconds=1)
    assert await miscounted(store) == {}
    report = await verify(store, repair=False)
    assert report.is_whole, report
    for event in events:
        await _has_its_consequences(store, event)


async def _is_counted(store: Store, consents: int) -> bool:
    found = await store.consent_counts.get(COUNTS)
    return found is not None and sum(n for counts in found.counts.values() for n in counts.values()) == consents


async def _has_its_consequences(store: Store, event: ConsentEvent) -> None:
    parts = await store.parts.after(event.context.conversation or "", 0, limit=20)
    assert [part.content.kind for part in parts] == ["text", "card", "event", "text"], parts
    assert isinstance(parts[1].content, Card)
    assert parts[1].content.state is CardState.COMPLETED
    deliveries = await store.deliveries.find({"number": event.number}, limit=5)
    assert [(d.event, d.state) for d in deliveries] == [(event.event, DeliveryState.SENT)]
