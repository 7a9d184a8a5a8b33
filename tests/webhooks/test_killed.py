"""A worker that is killed in the middle of a request: another one sends the notification again, and those after it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bot.app import Bot, make_bot
from bot.config import Settings
from bot.model.contact import Contact
from bot.model.event import Action
from bot.model.webhook import NotificationState, Topic
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests import processes
from tests.conftest import PATIENCE, eventually
from tests.people import change
from tests.webhooks import dying
from tests.webhooks.people import LOOPBACK, endpoint_of
from tests.webhooks.receiver import Receiver, receiving

pytestmark = pytest.mark.slow


@asynccontextmanager
async def worker(mongo: EmbeddedServer, store: Store) -> AsyncIterator[processes.Process]:
    process = await processes.start(dying.work, mongo.url, store.database.name, LOOPBACK)
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        await process.wait()


async def _is_done(bot: Bot, endpoint: str) -> bool:
    found = (await bot.webhooks.notifications(endpoint, None, None)).items
    return all(one.state is NotificationState.DELIVERED for one in found)


async def test_a_killed_worker_loses_nothing_and_keeps_the_order(
    mongo: EmbeddedServer, demo_store: Store, settings: Settings, make_contact: Callable[..., Awaitable[Contact]]
) -> None:
    bot = await make_bot(settings.model_copy(update={"webhook_networks": LOOPBACK}), demo_store, "http://sayso.test")
    async with receiving() as receiver:
        endpoint = await endpoint_of(bot, receiver, Topic.CONSENT_RECORDED)
        maya = await make_contact()
        for n, action in enumerate((Action.OPT_IN, Action.OPT_OUT, Action.OPT_IN)):
            await bot.ledger.record(change(maya.id, f"{n}", action))
        await bot.consumers.drain()
        receiver.open.clear()
        async with worker(mongo, demo_store) as killed:
            await eventually(lambda: _is_busy(receiver))
            killed.kill()
            async with asyncio.timeout(PATIENCE):
                assert await killed.wait() == -signal.SIGKILL
        await eventually(lambda: _is_idle(receiver))
        receiver.requests.clear()
        receiver.open.set()
        async with worker(mongo, demo_store):
            await eventually(lambda: _is_done(bot, endpoint.id))
        assert [request.item["seq"] for request in receiver.requests] == [1, 2, 3]
    await bot.finish()


async def _is_busy(receiver: Receiver) -> bool:
    return receiver.at_once > 0


async def _is_idle(receiver: Receiver) -> bool:
    """The server noticed that the connection is gone."""
    return receiver.at_once == 0
