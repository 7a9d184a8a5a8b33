"""Two workers and a Twilio that misbehaves; one worker is killed again and again. Nobody is texted twice, and nobody is
forgotten (law 8)."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp.test_utils import TestServer

from bot.app import Bot, make_bot
from bot.model.contact import Contact
from bot.model.delivery import DeliveryState
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests import processes
from tests.conftest import eventually, free_port
from tests.people import change
from tests.twilio import dying, fake
from tests.twilio.fake import FakeMessage, FakeTwilio, Fault, fake_twilio, twilio_settings
from widget.app import make_app

pytestmark = pytest.mark.slow

MakeContact = Callable[..., Awaitable[Contact]]
FAULTS: list[Fault | None] = [
    *[None] * 80,
    *[fake.CUT] * 4,
    *[fake.CUT_AFTER] * 4,
    *[fake.BROKEN] * 3,
    *[fake.BROKEN_AFTER] * 3,
    *[fake.BUSY] * 5,
    fake.SILENT,
]
AREAS = ("201", "202", "203", "205", "206", "207", "208", "209", "210", "212", "213")


def _numbers(count: int) -> list[str]:
    return [f"+1{AREAS[i // 1000]}555{i % 1000 + 1000:04d}" for i in range(count)]


async def _queue_for(bot: Bot, make_contact: MakeContact, numbers: list[str]) -> None:
    for start in range(0, len(numbers), 500):
        some = numbers[start : start + 500]
        people = await asyncio.gather(*(make_contact(phone=number) for number in some))
        changes = [change(one.id, "k", number=number) for one, number in zip(people, some, strict=True)]
        results = await bot.ledger.record_many(changes)
        await bot.deliveries.queue_for([result.event for result in results if not isinstance(result, Exception)])


def _disordered(chance: random.Random) -> Callable[[list[str]], list[str]]:
    def order(statuses: list[str]) -> list[str]:
        """Callbacks come again, late or not at all."""
        kept = [status for status in statuses for _ in range(chance.choice((0, 1, 1, 2)))]
        return chance.sample(kept, len(kept))

    return order


@asynccontextmanager
async def _webhooks(bot: Bot, port: int) -> AsyncIterator[None]:
    """A server that sends nothing itself."""
    app = make_app(bot)
    app.cleanup_ctx.clear()
    server = TestServer(app, host="127.0.0.1", port=port)
    await server.start_server()
    try:
        yield
    finally:
        await server.close()


async def _start(mongo: EmbeddedServer, store: Store, twilio: FakeTwilio, url: str) -> processes.Process:
    settings = twilio_settings(twilio, public_url=url).model_dump(exclude_defaults=True)
    process = await processes.start(dying.work, mongo.url, store.database.name, settings)
    assert await process.stdout.readline() == b"ready\n"
    return process


def _ids(messages: list[FakeMessage]) -> list[str]:
    return [parse_qs(urlsplit(message.callback).query)["d"][0] for message in messages]


@pytest.mark.parametrize(("texts", "kills"), [(500, 4), pytest.param(10_000, 40, marks=pytest.mark.soak)])
async def test_nobody_is_texted_twice_and_nobody_is_forgotten(
    mongo: EmbeddedServer, demo_store: Store, make_contact: MakeContact, texts: int, kills: int
) -> None:
    chance, port = random.Random(7), free_port()  # noqa: S311 (no secret)
    url, numbers = f"http://127.0.0.1:{port}", _numbers(texts)
    opted_out = {*numbers[::50]}
    async with fake_twilio() as twilio:

        def fault(message: FakeMessage) -> Fault | None:
            return fake.OPTED_OUT if message.to in opted_out else chance.choice(FAULTS)

        twilio.fault, twilio.statuses, twilio.order = fault, ("queued", "sent", "delivered"), _disordered(chance)
        bot = await make_bot(twilio_settings(twilio, public_url=url), demo_store, url)
        await _queue_for(bot, make_contact, numbers)
        async with _webhooks(bot, port):
            steady = await _start(mongo, demo_store, twilio, url)
            try:
                for kill in range(kills):
                    killed = await _start(mongo, demo_store, twilio, url)
                    await eventually(lambda: _accepted(twilio, texts * (kill + 1) // (kills + 2)))  # noqa: B023
                    killed.kill()
                    await killed.wait()
                states = await eventually(lambda: _all_settled(demo_store))
            finally:
                steady.kill()
                await steady.wait()
    await bot.finish()
    assert Counter(_ids(twilio.messages)).most_common(1)[0][1] == 1, "nobody twice"
    refused = states[DeliveryState.FAILED] + states[DeliveryState.BLOCKED]  # blocked: its first worker died
    assert (states[DeliveryState.SENT], refused) == (texts - len(opted_out), len(opted_out))
    assert {message.to for message in twilio.messages} == {*numbers} - opted_out, "nobody forgotten"
    assert await bot.stops.among(numbers) == opted_out


async def _accepted(twilio: FakeTwilio, count: int) -> bool:
    return len(twilio.messages) >= count


async def _all_settled(store: Store) -> Counter[str] | None:
    """Counted by the database: reading thousands of texts again and again would keep the fake Twilio from answering."""
    pipeline = [{"$group": {"_id": "$state", "n": {"$sum": 1}}}]
    found = await store.deliveries.collection.aggregate(pipeline).to_list(None)
    states = Counter({raw["_id"]: raw["n"] for raw in found})
    return None if {DeliveryState.QUEUED, DeliveryState.SENDING} & {*states} else states
