"""Processes that send, and end themselves in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.app import make_bot
from bot.config import Settings
from bot.outbound import dispatcher, queue, sender
from bot.store import Store, open_store
from tests.events.crashing_server import kill_at
from tests.outbound.carrier import FileCarrier, through
from widget.cli import main


def work(url: str, database: str, file: Path, seconds: float, is_traceable: bool, dies: tuple[str, str, int]) -> None:
    """A worker. `dies`: by which call of which method of the store, before or after it."""
    for module in (sender, queue):
        vars(module)["CLAIMED_FOR"] = timedelta(seconds=1)
    dispatcher.ASK_AFTER = timedelta(seconds=1)
    sender.POLL_SECONDS = 0.2
    sender.AT_ONCE = 8
    asyncio.run(_work(url, database, FileCarrier(file, seconds, is_traceable=is_traceable), dies))


def demo() -> None:
    dispatcher.ASK_AFTER = timedelta(seconds=3)  # a minute otherwise, in which a text of a killed process waits
    sys.argv = ["sayso", "demo", "--port", "0"]
    main()


def open_page(url: str, database: str, contact: str, point: str) -> None:
    """The page of a contact is opened in a process that kills itself at a fault point."""
    kill_at(point)
    asyncio.run(_open_page(url, database, contact))


async def _open_page(url: str, database: str, contact: str) -> None:
    async with open_store(url, database) as store:
        bot = await make_bot(Settings(_env_file=None, secret_key="k" * 40, form_limit=0), store, "http://sayso.test")
        await bot.chat_delivery.arrived(contact)


async def _work(url: str, database: str, carrier: FileCarrier, dies: tuple[str, str, int]) -> None:
    async with open_store(url, database) as store:
        if dies[0]:
            _let_die(store, *dies)
        bot = await make_bot(
            Settings(_env_file=None, secret_key="k" * 40, form_limit=0, quiet_hours=False), store, "http://sayso.test"
        )
        print("ready", flush=True)  # noqa: T201 - read by the test
        await through(bot, carrier).work(asyncio.Event())


def _let_die(store: Store, place: str, when: str, left: int) -> None:
    real = getattr(store.deliveries, place)

    async def dying(*arguments: Any, **values: Any) -> Any:
        nonlocal left
        left -= 1
        is_last = not left
        if is_last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await real(*arguments, **values)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(store.deliveries, place, dying)
