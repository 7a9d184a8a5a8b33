"""Workers that send through the fake Twilio, until they are killed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from bot.app import make_bot
from bot.config import Settings
from bot.outbound import dispatcher, queue, reconciler, results, sender
from bot.outbound.gateways import twilio
from bot.store import open_store


def work(url: str, database: str, settings: dict[str, Any]) -> None:
    """The same as `sayso worker`, with less patience."""
    for module in (sender, queue):
        vars(module)["CLAIMED_FOR"] = timedelta(seconds=1)
    dispatcher.ASK_AFTER = reconciler.ASK_AGAIN = timedelta(seconds=1)
    sender.POLL_SECONDS = 0.2
    results.FIRST_PAUSE = 0.1
    sender.AT_ONCE = 64
    twilio.SECONDS = 1.0
    twilio.LISTED_AFTER = timedelta(seconds=4)
    asyncio.run(_work(url, database, Settings(_env_file=None, **settings)))


async def _work(url: str, database: str, settings: Settings) -> None:
    async with open_store(url, database) as store:
        bot = await make_bot(settings, store, settings.public_url)
        print("ready", flush=True)  # noqa: T201 - read by the test
        await bot.sender.work(asyncio.Event())
