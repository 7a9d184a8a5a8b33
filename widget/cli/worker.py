"""`sayso worker`: the work behind the requests, without the server."""

from __future__ import annotations

import asyncio
import signal

from bot.app import make_bot
from bot.config import Settings
from bot.database import open_database
from widget.cli.terminal import run, settings_of, spare_the_collector
from widget.webhooks.client import running


def worker() -> None:
    """Run background jobs and send texts, without the server. Run any number of workers, on any machine.

    Requires SAYSO_PUBLIC_URL for links in texts, unless the server uses the same host and port.

    Shuts down gracefully on SIGTERM and SIGINT: finishes the current work and releases its jobs to other workers.
    """
    run(_work(settings_of(is_server=True)))


async def _work(settings: Settings) -> None:
    async with open_database(settings) as store:
        url = settings.public_url or f"http://{settings.host}:{settings.port}"
        bot, stop = await make_bot(settings, store, url), asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        async with running(bot):
            spare_the_collector()
            print("Ready. Ctrl-C stops it.", flush=True)
            await stop.wait()
