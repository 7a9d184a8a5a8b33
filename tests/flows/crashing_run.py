"""A process that continues a run, and kills itself at one of its fault points."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal

import bot.fault_points
from bot.store import open_store
from bot.webhooks.outbox import WebhookOutbox
from tests.people import runs_of


def answer(url: str, database: str, part: str, point: int) -> None:
    """Handles a message of the contact (a part's id). Dies at the fault point of this number, if there is one."""
    numbers = itertools.count()

    def reached(_: str) -> None:
        if next(numbers) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    bot.fault_points.reached = reached
    asyncio.run(_answer(url, database, part))


async def _answer(url: str, database: str, id: str) -> None:
    async with open_store(url, database) as store:
        part, outbox = await store.parts.get(id), WebhookOutbox(store)
        await outbox.load()
        assert part
        await runs_of(store, outbox).message_received(part)
