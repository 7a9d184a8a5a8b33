"""Texts a second through Twilio, beside a bare loop of its client with the same concurrency."""

from __future__ import annotations

import asyncio
import os
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import uvloop
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from bot.app import Bot, make_bot
from bot.config import Settings
from bot.demo import make_demo
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.outbound.dispatcher import AT_PROVIDER
from bot.outbound.gateways.base import Outgoing
from bot.outbound.gateways.twilio import TwilioGateway
from bot.store import open_store
from bot.store.embedded import EmbeddedServer
from tests import processes
from tests.bench.aims import Figure
from tests.bench.machine import Watch
from tests.bench.size import Size
from tests.bench.table import table
from tests.outbound.carrier import through
from tests.people import change
from tests.twilio.fake import ACCOUNT, SERVICE, TOKEN, FakeTwilio, fake_twilio, twilio_settings

Measure = Callable[[Callable[[], Awaitable[None]]], Awaitable[tuple[float, dict[str, float]]]]
DELAYS = (0.0, 0.05)
"""Seconds that Twilio takes to answer."""
BODY = "Harbor Coffee: You are now subscribed to Deals and new roasts. Up to 4 msgs/month. Msg & data rates may apply."


async def measure_deliveries(mongo: EmbeddedServer, size: Size) -> list[Figure]:
    texts, figures, rows = int(size.seconds * 500), [], []
    for seconds in DELAYS:
        async with _twilio(seconds) as (url, pid):
            measure = partial(_measured, texts, {"client": os.getpid(), "mongod": mongo.pid, "Twilio": pid})
            bare, bare_cpu = await measure(lambda: _bare(url, texts))
            ours, cpu = await _deliveries(mongo, url, texts, measure)
        name = f"Twilio answers after {seconds * 1000:.0f} ms"
        times = [f"{value:.2f}" for value in (bare_cpu["client"], cpu["client"], cpu["mongod"], cpu["Twilio"])]
        rows.append([name, f"{bare:,.0f}", f"{ours:,.0f}", f"{ours / bare:.2f}", *times])
        figures.append(Figure(f"deliveries to a bare client, {seconds * 1000:.0f} ms", ours / bare, 0.7))
    title = f"Texts a second, {AT_PROVIDER} at once, {texts:,} texts; CPU: milliseconds a text"
    table(title, ["", "bare client", "deliveries", "ratio", "bare CPU", "our CPU", "mongod", "fake Twilio"], rows)
    return figures


async def _measured(
    texts: int, pids: Mapping[str, int], work: Callable[[], Awaitable[None]]
) -> tuple[float, dict[str, float]]:
    """Texts a second, and milliseconds of CPU a text by process."""
    watch, started = Watch(pids), time.perf_counter()
    await work()
    took, used = time.perf_counter() - started, watch.used()
    return texts / took, {name: seconds / texts * 1000 for name, seconds in used.items()}


async def _bare(url: str, texts: int) -> None:
    """What a script does that only sends."""
    warnings.simplefilter("ignore", DeprecationWarning)  # aiohttp's, of the library's use of `auth`
    left = iter(range(texts))
    async with AsyncTwilioHttpClient() as http:
        client = Client(ACCOUNT, TOKEN, http_client=http)
        client.api.base_url = url

        async def caller() -> None:
            for i in left:
                await client.messages.create_async(to=_number(i), body=BODY, messaging_service_sid=SERVICE)

        await asyncio.gather(*(caller() for _ in range(AT_PROVIDER)))


async def _deliveries(mongo: EmbeddedServer, url: str, texts: int, measure: Measure) -> tuple[float, dict[str, float]]:
    twilio = FakeTwilio()
    twilio.url = url
    async with open_store(mongo.url, f"bench_{new_id()}") as store:
        await make_demo(store, url)
        settings = twilio_settings(twilio)
        bot, gateway = await make_bot(settings, store, settings.public_url), CountingGateway(settings, texts)
        try:
            for start in range(0, texts, 500):
                await _queue(bot, range(start, min(start + 500, texts)))
            await bot.consumers.drain()
            return await measure(lambda: through(bot, gateway).work(gateway.stop))
        finally:
            await gateway.close()
            await bot.finish()


class CountingGateway(TwilioGateway):
    """Tells its worker to stop after so many texts."""

    def __init__(self, settings: Settings, texts: int) -> None:
        super().__init__(settings)
        self.stop = asyncio.Event()
        self._left = texts

    async def send(self, text: Outgoing) -> str:
        try:
            return await super().send(text)
        finally:
            self._left -= 1
            if not self._left:
                self.stop.set()


async def _queue(bot: Bot, places: range) -> None:
    time_now = now()
    people = [Contact(id=new_id(), phone=_number(i), created_at=time_now, updated_at=time_now) for i in places]
    await bot.store.contacts.insert_many(people)
    changes = [change(one.id, "k", number=one.phone) for one in people]
    results = await bot.ledger.record_many(changes)
    await bot.deliveries.queue_for([result.event for result in results if not isinstance(result, Exception)])


def _number(i: int) -> str:
    return f"+1{(201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213)[i // 9000]}555{1000 + i % 9000}"


@asynccontextmanager
async def _twilio(seconds: float) -> AsyncIterator[tuple[str, int]]:
    """In a process of its own: its address, and the process."""
    process = await processes.start(_serve, seconds)
    try:
        yield (await process.stdout.readline()).decode().strip(), process.pid
    finally:
        process.kill()
        await process.wait()


def _serve(seconds: float) -> None:
    async def serve() -> None:
        async with fake_twilio() as twilio:
            twilio.seconds = seconds
            print(twilio.url, flush=True)
            await asyncio.Event().wait()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # it shares the machine with what is measured
        runner.run(serve())
