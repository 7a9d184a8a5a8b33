"""The data folder of an embedded server: the files that make it safe, whatever is killed when.

``start.lock``   held while a command starts, joins or stops the server, so that only one does at a time
``users.lock``   shared by every command that uses the server; who can have it alone on leaving stops the server
``server.lock``  inherited by the server itself: it is alive as long as this lock is held, so no process id is trusted
``server.json``  engine, port and process id of the server that runs, or that ran last

``mongod.key`` is the key that a mongod demands of clients: the port is open to all users of the machine.

The locks are ``flock`` locks: the kernel frees them when the process ends, also after ``kill -9``.
"""

import asyncio
import fcntl
import json
import logging
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from bot.store.engines import POLL_SECONDS, EngineName, StartFailed, read_key

QUEUE_SECONDS = 340.0
"""How long a command waits for another one: a server that replays its journal, and two that are stopped."""


class EmbeddedServerError(RuntimeError):
    """The embedded server cannot be started, joined or stopped; the message says why and what to do."""


@dataclass(frozen=True)
class ServerState:
    engine: EngineName
    port: int
    pid: int | None  # None: not running, or just being started
    is_locked: bool = False  # servers that earlier versions started demand no key


class Lock:
    """An flock on an open file. It is never waited for: a lock that another holds is reported as not taken."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self, kind: int) -> bool:
        try:
            fcntl.flock(self.fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class DataFolder:
    """The data folder and the files in it."""

    def __init__(self, data: Path) -> None:
        self.path = data.absolute()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.path / "start.lock").touch(mode=0o600)
        except OSError as error:
            raise EmbeddedServerError(
                f"The data folder {self.path} cannot be used: {error.strerror}. Name another one in SAYSO_DATA."
            ) from error

    @contextmanager
    def lock(self, name: str) -> Iterator[Lock]:
        lock = Lock(self.path / f"{name}.lock")
        try:
            yield lock
        finally:
            os.close(lock.fd)

    def is_server_alive(self) -> bool:
        with self.lock("server") as lock:
            return not lock.take(fcntl.LOCK_SH)  # shared: those who look don't get in each other's way

    def state(self) -> ServerState | None:
        try:
            state = ServerState(**json.loads((self.path / "server.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None
        is_sound = state.engine in get_args(EngineName) and isinstance(state.port, int)
        return state if is_sound and isinstance(state.pid, int | None) else None

    def remember(self, state: ServerState) -> None:
        draft = self.path / "server.json.new"
        draft.write_text(json.dumps(asdict(state)) + "\n")
        draft.replace(self.path / "server.json")

    def key(self, state: ServerState) -> str | None:
        """What the server of this state demands. Raises ``StartFailed``."""
        try:
            return read_key(self.path) if state.is_locked else None
        except OSError as error:
            raise StartFailed(f"its key can't be read: {error}") from error

    def engine_with_data(self) -> EngineName | None:
        """Return the engine whose data is here. Anything in an engine's folder counts as data."""
        names = [name for name in get_args(EngineName) if self.holds(name)]
        if len(names) > 1:
            raise EmbeddedServerError(f"{self.path} holds data of {' and '.join(names)}: move one of the two away.")
        return names[0] if names else None

    def holds(self, name: EngineName) -> bool:
        home = self.path / name
        return home.is_dir() and any(home.iterdir())

    def discard(self, name: EngineName) -> None:
        shutil.rmtree(self.path / name, ignore_errors=True)

    def log_file(self, name: EngineName) -> Path:
        return self.path / f"{name}.log"

    def fresh_log(self, name: EngineName) -> Path:
        log_file = self.log_file(name)
        if log_file.exists():
            log_file.replace(log_file.with_suffix(".log.1"))
        log_file.touch(mode=0o600)
        return log_file

    @asynccontextmanager
    async def alone(self, log: logging.Logger) -> AsyncIterator[None]:
        """Hold the start lock. It is polled, since a thread waiting for it could not be canceled."""
        with self.lock("start") as lock:
            begun = time.monotonic()
            told = False
            while not lock.take(fcntl.LOCK_EX):
                waited = time.monotonic() - begun
                if waited > QUEUE_SECONDS:
                    raise EmbeddedServerError(
                        f"Another command has been starting or stopping the database in {self.path} "
                        f"for {waited:.0f} s: end it and try again."
                    )
                if waited > 2 and not told:
                    log.info("waiting for another command that starts or stops the database in %s", self.path)
                    told = True
                await asyncio.sleep(POLL_SECONDS)
            yield
