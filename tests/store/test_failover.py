"""A replica set of three, and its primary killed under load: nothing that was acknowledged is lost, and consents are
recorded again within five seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from bot.consent.ledger import Ledger
from bot.consent.verify import verify
from bot.errors import StoreUnavailable
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.store import Store, open_store
from bot.store.engines import Engine, find_engines
from tests.conftest import PATIENCE, free_port
from tests.people import change

SILENCE = 5.0
ELECTION_MS, HEARTBEAT_MS = 2000, 500
"""As docs/deployment.md recommends: mongod's own default waits ten seconds before it elects another primary."""
CALLERS = 16


class Member:
    def __init__(self, engine: Engine, folder: Path) -> None:
        folder.mkdir()
        engine.prepare(folder)
        self.port = free_port()
        self._command = [*_unlocked(engine.command(folder, self.port))]
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(*self._command, stdout=quiet, stderr=quiet)

    async def kill(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


def _unlocked(command: list[str]) -> Iterator[str]:
    """Members of one replica set would have to share a key."""
    words = iter(command)
    for word in words:
        if word == "--keyFile":
            next(words)
        else:
            yield word


@asynccontextmanager
async def _replica_set(folder: Path) -> AsyncIterator[list[Member]]:
    engine = next(engine for engine in find_engines("mongod") if isinstance(engine, Engine))
    members = [Member(engine, folder / str(i)) for i in range(3)]
    async with AsyncExitStack() as stack:
        for member in members:
            await member.start()
            stack.push_async_callback(member.kill)
        await asyncio.to_thread(_initiate, members)
        yield members


def _initiate(members: list[Member]) -> None:
    addresses = [{"_id": i, "host": member.address} for i, member in enumerate(members)]
    settings = {"electionTimeoutMillis": ELECTION_MS, "heartbeatIntervalMillis": HEARTBEAT_MS}
    for member in reversed(members):
        alone = f"mongodb://{member.address}/?directConnection=true"
        with MongoClient[dict[str, Any]](alone, serverSelectionTimeoutMS=60_000) as client:
            client.admin.command("ping")
            if member is members[0]:
                client.admin.command("replSetInitiate", {"_id": "sayso", "members": addresses, "settings": settings})
    with MongoClient[dict[str, Any]](_url(members), serverSelectionTimeoutMS=60_000) as client:
        client.admin.command("ping")


def _url(members: list[Member]) -> str:
    return f"mongodb://{','.join(member.address for member in members)}/?replicaSet=sayso"


class Load:
    """Callers who record one consent after the other, and ask again with the same key until they are told that it
    worked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ledger = Ledger(store)
        self.acknowledged: list[tuple[float, str]] = []
        """When, and the event."""

    async def run(self, stop: asyncio.Event) -> None:
        await asyncio.gather(*(self._caller(stop) for _ in range(CALLERS)))

    async def _caller(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            contact = Contact(id=new_id(), created_at=now(), updated_at=now())
            recorded = None
            while recorded is None:
                try:
                    await self._store.contacts.keep(contact)
                    recorded = await self._ledger.record(change(contact.id, "k"))
                except StoreUnavailable:
                    await asyncio.sleep(0.05)
            self.acknowledged.append((time.monotonic(), recorded.event.id))

    def longest_silence(self) -> float:
        times = sorted(at for at, _ in self.acknowledged)
        return max(later - earlier for earlier, later in pairwise(times))


@pytest.mark.soak
@pytest.mark.slow
async def test_a_killed_primary_loses_nothing_and_is_replaced_within_five_seconds(tmp_path: Path) -> None:
    silences = []
    async with _replica_set(tmp_path) as members, open_store(_url(members), "sayso_failover") as store:
        await store.prepare()
        load, stop = Load(store), asyncio.Event()
        running = asyncio.create_task(load.run(stop))
        for _ in range(2):
            await asyncio.sleep(3)  # load before and after
            hello = await store.database.command("hello")
            primary = next(member for member in members if member.address == hello["me"])
            began = len(load.acknowledged)
            await primary.kill()
            await _again(load, began + 10 * CALLERS)
            await primary.start()
            await _has_three(store)
            silences.append(load.longest_silence())
        stop.set()
        await running
        kept = {event.id for page in [p async for p in store.events.scan()] for event in page}
        assert {id for _, id in load.acknowledged} <= kept
        assert len(kept) == len(load.acknowledged), "and none is there twice"
        assert (await verify(store, repair=False)).is_whole
    assert max(silences) <= SILENCE, silences


async def _again(load: Load, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(load.acknowledged) < count:  # noqa: ASYNC110 - a database is awaited
            await asyncio.sleep(0.05)


async def _has_three(store: Store) -> None:
    """The member that was killed has caught up: the next one may die."""
    async with asyncio.timeout(PATIENCE):
        while True:
            status = await store.database.client.admin.command("replSetGetStatus")
            if sorted(member["stateStr"] for member in status["members"]) == ["PRIMARY", "SECONDARY", "SECONDARY"]:
                return
            await asyncio.sleep(0.2)
