"""Processes of our own code, which tests start, kill and wait for.

They are forked from one that has imported the code: a new interpreter would take a second of CPU time to do that.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
PRELOAD = (
    "tests.contacts.imports.dying",
    "tests.events.crashing_server",
    "tests.flows.crashing_run",
    "tests.jobs.dying",
    "tests.outbound.dying",
    "tests.store.embedded_user",
    "tests.twilio.dying",
    "tests.webhooks.dying",
)
CONTEXT.set_forkserver_preload([*PRELOAD])


class Process:
    """As much of an `asyncio.subprocess.Process` as the tests need."""

    def __init__(self, process: ForkServerProcess, stdout: asyncio.StreamReader) -> None:
        self._process = process
        self.stdout = stdout
        self.pid = process.pid or 0
        self.kill, self.terminate = process.kill, process.terminate

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    async def wait(self) -> int:
        """The exit code; the number of a signal is negative."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        return self._process.exitcode or 0


async def start(
    main: Callable[..., None], *arguments: Any, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Process:
    """Calls `main`, a function of a module, in a process of its own."""
    reader, writer = CONTEXT.Pipe(duplex=False)
    env = dict(os.environ if environment is None else environment)
    process = CONTEXT.Process(target=_run, args=(writer, folder or Path.cwd(), env, main, arguments), daemon=True)
    await asyncio.to_thread(process.start)
    writer.close()
    stdout = asyncio.StreamReader()
    pipe = os.fdopen(os.dup(reader.fileno()), "rb")
    reader.close()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdout), pipe)
    return Process(process, stdout)


def _run(
    stdout: Connection, folder: Path, environment: dict[str, str], main: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    os.dup2(stdout.fileno(), 1)
    stdout.close()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    main(*arguments)
