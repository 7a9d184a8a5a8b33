"""A server that kills itself at a fault point: `python -m tests.events.crashing_server URL DATABASE PORT POINT`.

`POINT` empty: it lives. Events are looked at again sooner than in production, so that recovery need not be waited for.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from aiohttp import web

import bot.faults
from bot.app import make_bot
from bot.config import Settings
from bot.events import catch_up
from bot.store import open_store
from widget.app import make_app

catch_up.LAG = timedelta(seconds=0.5)
catch_up.LEASE_SECONDS = 2.0


def kill_at(point: str) -> None:
    def reached(here: str) -> None:
        if here == point:
            os.kill(os.getpid(), signal.SIGKILL)

    bot.faults.reached = reached


async def serve(url: str, database: str, port: int) -> None:
    async with open_store(url, database) as store:
        settings = Settings(_env_file=None, data=Path(tempfile.gettempdir()), secret_key="k" * 40)
        runner = web.AppRunner(make_app(await make_bot(settings, store, "http://sayso.test"), with_demo=True))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        print("Ready.", flush=True)  # noqa: T201 - read by the test
        await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[4]:
        kill_at(sys.argv[4])
    asyncio.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))
