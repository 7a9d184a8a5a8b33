"""What is measured, each in a process of its own: a mongod, `sayso demo`, the bare peer."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.store.embedded import EmbeddedServer, embedded_server

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
DATABASE = "bench"
SAYSO = ("-c", "from widget.cli import main; main()", "demo", "--port", "0")


@dataclass(frozen=True, slots=True)
class Served:
    url: str
    pid: int


@asynccontextmanager
async def mongod() -> AsyncIterator[EmbeddedServer]:
    """A real mongod (one-node replica set, journal on disk) with data that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="sayso-bench-", ignore_cleanup_errors=True) as folder:
        async with embedded_server(Path(folder), engine="mongod") as server:
            yield server


@asynccontextmanager
async def sayso(mongo: EmbeddedServer) -> AsyncIterator[Served]:
    """`sayso demo` as in production: only warnings are logged."""
    settings = {"SAYSO_MONGO_URL": mongo.url, "SAYSO_DATABASE": DATABASE, "SAYSO_LOG_LEVEL": "warning"}
    settings["SAYSO_FORM_LIMIT"] = "0"  # the made-up numbers are of few blocks
    settings["SAYSO_API_LIMIT"] = "1000000"  # counted, never reached
    async with _started(*SAYSO, settings=settings) as served:
        yield served


@asynccontextmanager
async def bare(mongo: EmbeddedServer) -> AsyncIterator[Served]:
    async with _started("-m", "tests.bench.bare", mongo.url, settings={}) as served:
        yield served


def environment(settings: dict[str, str]) -> dict[str, str]:
    """Ours without any setting of Sayso's but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


@asynccontextmanager
async def _started(*command: str, settings: dict[str, str]) -> AsyncIterator[Served]:
    """Runs Python in an empty folder, where no `.env` is; it says its address and then "Ready"."""
    with tempfile.TemporaryDirectory(prefix="sayso-bench-") as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=environment(settings), cwd=folder, stdout=asyncio.subprocess.PIPE
        )
        try:
            yield Served(await _address(process), process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    said = ""
    assert process.stdout
    async with asyncio.timeout(START_SECONDS):
        while "Ready" not in said:
            line = await process.stdout.readline()
            if not line:
                raise RuntimeError(f"the server did not start: {said}")
            said += line.decode()
    found = re.search(r"http://[\d.]+:\d+", said)
    assert found, said
    return found[0]
