"""A process that posts notifications until it is killed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.app import make_bot
from bot.config import Settings
from bot.store import open_store
from bot.webhooks import sender
from bot.webhooks.addresses import networks_in
from widget.webhooks.client import webhook_client


def work(url: str, database: str, networks: str) -> None:
    sender.LEASE = timedelta(seconds=1)
    sender.POLL_SECONDS = 0.05
    asyncio.run(_work(url, database, networks))


async def _work(url: str, database: str, networks: str) -> None:
    settings = Settings(_env_file=None, secret_key="k" * 40)
    async with open_store(url, database) as store, webhook_client(networks_in(networks)) as client:
        bot = await make_bot(settings, store, "http://sayso.test")
        bot.webhook_sender.client = client
        await bot.outbox.load()
        print("ready", flush=True)  # noqa: T201 - read by the test
        await bot.webhook_sender.work(asyncio.Event())
