"""A server that kills itself at a fault point."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from datetime import timedelta
from pathlib import Path

from aiohttp import web

import bot.fault_points
from bot.app import make_bot
from bot.config import Settings
from bot.events import catch_up
from bot.store import open_store
from widget.app import make_app


def serve(url: str, database: str, port: int, point: str) -> None:
    """An empty `point`: it lives. Events are looked at again sooner than in production, so that recovery need not be
    waited for."""
    catch_up.LAG = timedelta(seconds=0.5)
    catch_up.LEASE_SECONDS = 2.0
    if point:
        kill_at(point)
    asyncio.run(_serve(url, database, port))


def kill_at(point: str) -> None:
    def reached(here: str) -> None:
        if here == point:
            os.kill(os.getpid(), signal.SIGKILL)

    bot.fault_points.reached = reached


async def _serve(url: str, database: str, port: int) -> None:
    async with open_store(url, database) as store:
        settings = Settings(_env_file=None, data=Path(tempfile.gettempdir()), secret_key="k" * 40, form_limit=0)
        runner = web.AppRunner(make_app(await make_bot(settings, store, "http://sayso.test"), with_demo=True))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        print("Ready.", flush=True)  # noqa: T201 - read by the test
        await asyncio.Event().wait()
