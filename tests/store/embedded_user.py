"""Another command that uses the embedded server of a data folder."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

from bot.store.embedded import embedded_server
from bot.store.engines import EngineChoice


def use(data: Path, engine: EngineChoice) -> None:
    """Prints the server's process id and port, and uses it until SIGTERM."""
    asyncio.run(_use(data, engine))


async def _use(data: Path, engine: EngineChoice) -> None:
    leaving = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leaving.set)
    async with embedded_server(data, engine=engine) as server:
        print(json.dumps([server.pid, server.port]), flush=True)  # noqa: T201 - read by the test
        await leaving.wait()
