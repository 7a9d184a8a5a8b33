"""Processes that are killed while texts are on their way: none is lost, and none is handed over twice (law 8)."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from bot.app import Bot
from bot.demo import DEALS
from bot.model.contact import Contact
from bot.model.delivery import DeliveryState
from bot.model.event import Action
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests import processes
from tests.conftest import PATIENCE, Visitor, eventually
from tests.outbound import dying
from tests.outbound.carrier import FileCarrier
from tests.people import change

pytestmark = pytest.mark.slow

MakeContact = Callable[..., Awaitable[Contact]]
TEXTS = 40


@pytest.fixture
async def queued(bot: Bot, make_contact: MakeContact) -> set[str]:
    """The ids of texts to as many people."""
    people = [await make_contact() for _ in range(TEXTS)]
    changes = [change(person.id, "k", number=f"+1201555{i + 100:04d}") for i, person in enumerate(people)]
    events = [recorded.event for recorded in await asyncio.gather(*map(bot.ledger.record, changes))]
    await bot.deliveries.queue_for(events)
    return {f"confirmation:{event.event}" for event in events}


@pytest.fixture
def carrier(tmp_path: Path) -> FileCarrier:
    return FileCarrier(tmp_path / "sent")


@asynccontextmanager
async def worker(
    mongo: EmbeddedServer,
    store: Store,
    carrier: FileCarrier,
    *,
    seconds: float = 0.0,
    is_traceable: bool = True,
    dies: tuple[str, str, int] = ("", "", 0),
) -> AsyncIterator[processes.Process]:
    """A process that sends. `dies`: by which call of which method of the store, before or after it."""
    process = await processes.start(
        dying.work, mongo.url, store.database.name, carrier.file, seconds, is_traceable, dies
    )
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        await process.wait()


async def _all_settled(store: Store) -> Counter[DeliveryState] | None:
    states = Counter(delivery.state for delivery in await store.deliveries.find({}, limit=TEXTS + 1))
    return None if {DeliveryState.QUEUED, DeliveryState.SENDING} & {*states} else states


@pytest.mark.parametrize(
    ("place", "when"),
    [
        ("claim", "after"),
        ("counts", "after"),
        ("hand_over", "before"),
        ("hand_over", "after"),
        ("settle", "before"),
        ("settle", "after"),
    ],
)
async def test_a_worker_that_is_killed_loses_and_repeats_nothing(
    mongo: EmbeddedServer, store: Store, queued: set[str], carrier: FileCarrier, place: str, when: str
) -> None:
    async with worker(mongo, store, carrier, dies=(place, when, 3)) as killed:
        async with asyncio.timeout(PATIENCE):
            assert await killed.wait() == -signal.SIGKILL
    assert await _all_settled(store) is None, "some are left"
    async with worker(mongo, store, carrier):
        states = await eventually(lambda: _all_settled(store))
    assert Counter(carrier.taken()) == Counter(queued)
    assert states == {DeliveryState.SENT: TEXTS}


async def test_workers_that_are_killed_again_and_again(
    mongo: EmbeddedServer, store: Store, queued: set[str], carrier: FileCarrier
) -> None:
    """Beside one that is not."""
    async with worker(mongo, store, carrier, seconds=0.1):
        for _ in range(4):
            async with worker(mongo, store, carrier, seconds=0.05) as killed:
                await asyncio.sleep(random.uniform(0.05, 0.4))  # noqa: S311 (no secret)
                killed.kill()
        states = await eventually(lambda: _all_settled(store))
    assert Counter(carrier.taken()) == Counter(queued)
    assert states == {DeliveryState.SENT: TEXTS}


async def test_where_the_provider_cannot_tell_nothing_is_sent_twice(
    mongo: EmbeddedServer, store: Store, queued: set[str], carrier: FileCarrier
) -> None:
    async with worker(mongo, store, carrier, is_traceable=False, dies=("settle", "before", 2)) as killed:
        async with asyncio.timeout(PATIENCE):
            assert await killed.wait() == -signal.SIGKILL
    async with worker(mongo, store, carrier, is_traceable=False):
        states = await eventually(lambda: _all_settled(store))
    taken = Counter(carrier.taken())
    assert max(taken.values()) == 1
    assert {*states} == {DeliveryState.SENT, DeliveryState.UNKNOWN}
    unknown = await store.deliveries.find({"state": DeliveryState.UNKNOWN}, limit=TEXTS)
    assert {delivery.reason for delivery in unknown} == {"no_answer"}
    assert queued - {*taken} <= {delivery.id for delivery in unknown}, "what did not arrive is not called sent"


# --- the whole way, from the form to the simulated phone


@asynccontextmanager
async def sayso(mongo: EmbeddedServer, database: str, folder: Path) -> AsyncIterator[tuple[processes.Process, str]]:
    settings = {
        "SAYSO_MONGO_URL": mongo.url,
        "SAYSO_DATABASE": database,
        "SAYSO_SECRET_KEY": "k" * 40,
        "SAYSO_LOG_LEVEL": "error",
        "SAYSO_FORM_LIMIT": "0",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
    process = await processes.start(dying.demo, folder=folder, environment={**kept, **settings})
    try:
        said = b""
        while b"Ready" not in said:
            line = await process.stdout.readline()
            assert line, said
            said += line
        found = re.search(rb"http://[\d.]+:\d+", said)
        assert found
        yield process, found[0].decode()
    finally:
        process.kill()
        await process.wait()


async def _submit_and_kill(mongo: EmbeddedServer, database: str, folder: Path, numbers: list[str]) -> set[str]:
    """Numbers whose sign-up was acknowledged before the process died."""
    acknowledged: set[str] = set()

    async def sign_up(person: Visitor, number: str) -> None:
        with suppress(aiohttp.ClientError):
            status, text = await person.submit(number)
            if status == 200 and "signed up" in text:
                acknowledged.add(number)

    async with sayso(mongo, database, folder) as (process, url), aiohttp.ClientSession() as session:
        people = [Visitor(session, url) for _ in numbers]
        await asyncio.gather(*(person.open() for person in people))
        submits = [asyncio.create_task(sign_up(person, n)) for person, n in zip(people, numbers, strict=True)]
        await eventually(lambda: _some_of(acknowledged, random.randrange(1, len(numbers))))  # noqa: S311
        process.kill()
        await asyncio.gather(*submits)
    return acknowledged


async def _some_of(acknowledged: set[str], count: int) -> bool:
    return len(acknowledged) >= count


@pytest.mark.parametrize("rounds", [3, pytest.param(8, marks=pytest.mark.soak)])
async def test_every_sign_up_has_one_confirmation_however_often_the_server_is_killed(
    mongo: EmbeddedServer, tmp_path: Path, demo_store: Store, rounds: int
) -> None:
    """32 form submits at once, and kill -9 in the middle of them."""
    database, acknowledged = demo_store.database.name, set[str]()
    for round in range(rounds):
        numbers = [f"(201) 555-{100 + 32 * round + i:04d}" for i in range(32)]
        acknowledged |= await _submit_and_kill(mongo, database, tmp_path, numbers)
    async with open_store(mongo.url, database) as store, sayso(mongo, database, tmp_path):
        events = {e.event: e async for page in store.events.scan() for e in page if e.action is Action.OPT_IN}

        async def all_confirmed() -> bool:
            found = await store.deliveries.find({"state": DeliveryState.SENT}, limit=500)
            return len(found) >= len(events)

        await eventually(all_confirmed)
        sent = await store.deliveries.find({}, limit=500)
    assert len(events) >= len(acknowledged) > 0
    assert Counter(delivery.event for delivery in sent) == Counter([*events])
    assert {(d.state, d.subscription) for d in sent} == {(DeliveryState.SENT, DEALS)}
    assert {d.number for d in sent} >= {f"+1{re.sub(r'[^0-9]', '', number)}" for number in acknowledged}
