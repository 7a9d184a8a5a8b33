"""The command line: what it prints, how it ends, and that it leaves nothing behind.

A process takes seconds to start, so what needs none of its own (`said`) runs in this one.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from typer.testing import CliRunner

from bot.config import Settings
from bot.store import open_store
from bot.store.embedded import embedded_server
from tests.conftest import PATIENCE, TOLD, Visitor, eventually
from tests.people import tells_number
from tests.widget.help import last_words
from widget import cli
from widget.cli import terminal

pytestmark = pytest.mark.slow
SCRIPT = Path(sys.executable).with_name("sayso")
SAYSO = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-c", "from widget.cli import main; main()"]
README = Path(__file__).parents[3] / "README.md"
COMMANDS = {"serve", "demo", "worker", "teammate", "token", "jobs", "flow", "migrate", "verify", "import", "check"}
WORKING = [[name] for name in sorted(COMMANDS - {"teammate", "token", "import"})] + [["import", __file__]]
WORKING += [["teammate", "list"], ["token", "list"]]
PASSWORD = "hunter2-is-no-password"


def environment(**settings: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
    engine = TOLD.get("SAYSO_TEST_ENGINE", "auto")
    named = {f"SAYSO_{name.upper()}": value for name, value in {"engine": engine, **settings}.items()}
    return {**clean, "NO_COLOR": "1", "COLUMNS": "100", **named}


@dataclass
class Ran:
    code: int
    out: str
    err: str


async def sayso(folder: Path, *arguments: str, **settings: str) -> Ran:
    """Run to its end, in an empty folder of its own."""
    process = await asyncio.create_subprocess_exec(
        *SAYSO, *arguments, cwd=folder, env=environment(**settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ran(process.returncode or 0, out.decode(), err.decode())


def said(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str, **settings: str) -> Ran:
    """The same command in this process, which keeps its own logs."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(terminal, "set_up_logs", lambda form, level: None)
    gone = {name: None for name in os.environ if name.startswith("SAYSO_")}
    env = {**gone, **environment(**settings)}
    result = CliRunner().invoke(cli.app, arguments, env=env, prog_name="sayso")
    return Ran(result.exit_code, result.stdout, result.stderr)


@dataclass
class Demo:
    process: asyncio.subprocess.Process
    folder: Path
    printed: list[str]

    @property
    def base(self) -> str:
        found = re.search(r"(http://[^/\s]+)/demo\b", "\n".join(self.printed))
        assert found, self.printed
        return found[1]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def database(self) -> dict[str, object]:
        return dict(json.loads((self.data / "server.json").read_text()))


@pytest.fixture(scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    """`sayso demo` on a free port, with somebody who said yes in it. The last test of this file stops it."""
    folder = tmp_path_factory.mktemp("demo")
    process = await asyncio.create_subprocess_exec(
        *SAYSO, "demo", "--port", "0", cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield Demo(process, folder, await _until_ready(process))
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.communicate()


async def _until_ready(process: asyncio.subprocess.Process) -> list[str]:
    printed: list[str] = []
    assert process.stdout
    async with asyncio.timeout(PATIENCE):
        while not printed or not printed[-1].startswith("Ready."):
            line = await process.stdout.readline()
            assert line, f"it ended: {printed}, {process.stderr and await process.stderr.read()!r}"
            printed.append(line.decode().rstrip())
    return printed


@pytest.fixture
async def person(demo: Demo) -> AsyncIterator[Visitor]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        visitor = Visitor(session, demo.base)
        await visitor.open()
        yield visitor


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_says_what_it_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    names = {command.name or getattr(command.callback, "__name__", "") for command in cli.app.registered_commands}
    assert names | {str(group.name) for group in cli.app.registered_groups} == COMMANDS
    ran = said(monkeypatch, tmp_path, name, "--help")
    assert (ran.code, ran.err, f"Usage: sayso {name}" in ran.out) == (0, "", True)
    assert ("Exits 0" in ran.out) == (name in {"verify", "check", "migrate", "import"})


async def test_what_is_installed_lists_its_commands(tmp_path: Path) -> None:
    ran = await sayso(tmp_path, "--help")
    assert (ran.code, ran.err, "Usage: sayso" in ran.out) == (0, "", True)
    assert [name for name in COMMANDS if name not in ran.out] == []


def test_what_is_no_command_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran = said(monkeypatch, tmp_path, "dance")
    assert (ran.code, "No such command" in ran.err) == (2, True)
    bare = said(monkeypatch, tmp_path)
    assert "Usage: sayso" in bare.out + bare.err


def test_the_readme_names_the_commands_and_settings_that_there_are() -> None:
    text = README.read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `sayso (\w+)", text, re.MULTILINE)) == COMMANDS
    assert set(re.findall(r"`(?:\.venv/bin/)?sayso (\w+)", text)) <= COMMANDS
    named = set(re.findall(r"^\| `SAYSO_(\w+)`", text, re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}


async def test_wrong_settings_are_all_named_at_once_and_their_values_are_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = {
        "port": "eighty",
        "mongo_url": f"postgres://sayso:{PASSWORD}@db",
        "secret_key": PASSWORD,
        "engine": "sqlite",
        "public_url": "chat.example.com",
        "visitor_days": "0",
        "log": "xml",
        "color": PASSWORD,
    }
    answers = [said(monkeypatch, tmp_path, *command, **wrong) for command in WORKING]
    for ran in [await sayso(tmp_path, "serve", **wrong), *answers]:
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("Invalid settings:\n")
        assert {line.split(":")[0].strip() for line in ran.err.splitlines()[1:]} == {
            f"SAYSO_{name.upper()}" for name in wrong
        }
        assert PASSWORD not in ran.err
        assert "Traceback" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_settings_are_read_from_a_file_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SAYSO_PORT=eighty\nSAYSO_SECRET_KEY=short\n")
    ran = said(monkeypatch, tmp_path, "check")
    assert ran.code == 2
    assert "SAYSO_PORT" in ran.err
    assert "SAYSO_SECRET_KEY" in ran.err


def test_the_settings_are_listed_with_their_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran = said(monkeypatch, tmp_path, "check", "--settings", secret_key=PASSWORD * 2)
    assert ran.code == 0
    lines = dict(line.split("=", 1) for line in ran.out.splitlines())
    assert set(lines) == {f"SAYSO_{name.upper()}" for name in Settings.model_fields}
    assert lines["SAYSO_PORT"].startswith("8080  # ")
    assert PASSWORD not in ran.out


def test_a_folder_that_cannot_be_used_ends_it_with_two_and_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for command in (("verify",), ("check",), ("demo", "--port", "0")):
        ran = said(monkeypatch, tmp_path, *command, data=str(tmp_path / "file"))
        assert (ran.code, "Name another one in SAYSO_DATA" in ran.err) == (2, True), ran


async def test_a_database_that_does_not_answer_ends_it_with_two_and_the_reason(tmp_path: Path) -> None:
    nobody = f"mongodb://sayso:{PASSWORD}@127.0.0.1:1/?replicaSet=rs0"
    ran = await sayso(tmp_path, "verify", mongo_url=nobody)
    assert (ran.code, ran.out, "Can't connect to the database: " in ran.err) == (2, "", True), ran
    assert PASSWORD not in ran.err
    assert "Traceback" not in ran.err


def test_an_address_that_the_driver_cannot_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran = said(monkeypatch, tmp_path, "check", mongo_url=f"mongodb://sayso:{PASSWORD}@@db/")
    assert (ran.code, "Traceback" in ran.err, PASSWORD in ran.err) == (2, False, False)


def test_a_port_that_is_taken_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = said(monkeypatch, tmp_path, "demo", "--port", port)
    assert (ran.code, ran.out) == (2, "")
    assert f"Can't listen on 127.0.0.1:{port}" in ran.err
    assert "Choose another with --port." in ran.err
    assert not (tmp_path / "data").exists()


async def test_the_demo_prints_where_it_is_and_answers_there(demo: Demo, person: Visitor) -> None:
    assert [line.split("http")[0].strip() for line in demo.printed] == [
        "Shop with the chat",
        "Its phone",
        "Teammates sign in",
        "Ready. Ctrl-C stops it.",
    ]
    for line in demo.printed[:-1]:
        url = re.search(r"http://127\.0\.0\.1:[1-9]\d*/\S+", line)
        assert url
        async with person.session.get(url[0]) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
    assert demo.printed[2].endswith("/login  ada@example.com / demo, ben@example.com / demo")
    assert (await person.submit())[0] == 200


async def test_verify_joins_the_database_that_runs_and_finds_it_whole(demo: Demo, person: Visitor) -> None:
    await person.submit()
    before = demo.database
    ran = await sayso(demo.folder, "verify")
    assert (ran.code, ran.err) == (0, ""), ran
    assert re.match(r"Events checked: [1-9]\d*\. Contacts: [1-9]\d*\.\n", ran.out)
    assert ran.out.endswith("All chains are intact.\n")
    assert demo.database == before
    assert (await person.submit())[0] == 200


async def test_check_says_that_all_is_good(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = await asyncio.to_thread(said, monkeypatch, demo.folder, "check")
    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            "Settings: OK",
            "Database: OK (reachable, writable, indexes in place)",
            "Texts: simulator (no text leaves this machine)",
        ],
    )
    assert await _answers(demo)


async def _answers(demo: Demo) -> bool:
    async with aiohttp.ClientSession() as session, session.get(f"{demo.base}/readyz") as answer:
        return answer.status == 200


async def test_a_second_server_on_the_same_data_has_the_same_people(demo: Demo, person: Visitor) -> None:
    process = await asyncio.create_subprocess_exec(
        *SAYSO,
        "serve",
        "--port",
        "0",
        cwd=demo.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        printed = await _until_ready(process)
        found = re.search(r"(http://[^/\s]+)/messenger", printed[0])
        assert found
        there = Visitor(person.session, found[1], person.token)
        assert (await there.open())["conversation"] == person.conversation
        async with person.session.get(f"{found[1]}/demo") as answer:
            assert answer.status == 404
    finally:
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            await process.communicate()
    assert process.returncode == 0
    assert await _answers(demo)


async def test_verify_names_what_is_wrong_and_mends_what_can_be_mended(
    demo: Demo, person: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def verify(*arguments: str) -> Ran:
        return await asyncio.to_thread(said, monkeypatch, demo.folder, "verify", *arguments)

    await person.submit()
    async with embedded_server(demo.data) as joined, open_store(joined.url, "sayso") as store:
        newest = await store.events.collection.find_one({}, sort=[("event", -1)])
        assert newest
        contact, event = newest["contact"], newest["_id"]
        await store.contacts.update({"_id": contact}, {"$set": {"consents": []}})
        ran = await verify()
        assert (ran.code, "differ from the ledger" in ran.out, "sayso verify --repair" in ran.out) == (1, True, True), (
            ran
        )
        assert "All chains are intact." not in ran.out
        assert [(await verify(*arguments)).code for arguments in (("--repair",), ())] == [0, 0]

        await store.events.collection.update_one({"_id": event}, {"$set": {"number": "+12015550199"}})
        for arguments in ((), ("--repair",)):
            ran = await verify(*arguments)
            assert (ran.code, f"Broken: contact {contact}: event 1 was edited." in ran.out) == (1, True), ran
            assert "+1201555" not in ran.out + ran.err
        await store.events.collection.update_one({"_id": event}, {"$set": {"number": newest["number"]}})
        assert (await verify()).code == 0


async def test_verify_names_a_cut_after_the_server_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the checkpoints that the stopping server made, with a key and a file of its own, and by an exported file."""
    outside: dict[str, str] = {"checkpoint_key": "k" * 40, "checkpoint_file": str(tmp_path / "kept.jsonl")}

    async def verify(*arguments: str, **settings: str) -> Ran:
        return await asyncio.to_thread(said, monkeypatch, tmp_path, "verify", *arguments, **settings)

    async with embedded_server(tmp_path / "data") as joined, open_store(joined.url, "sayso") as store:
        await _sign_up_in_a_demo_that_stops(tmp_path, outside)
        whole = await verify("--export", "exported.jsonl", **outside)
        assert (whole.code, "checkpoints written to exported.jsonl." in whole.out) == (0, True), whole
        assert (tmp_path / "exported.jsonl").read_text() == (tmp_path / "kept.jsonl").read_text()
        await store.events.collection.delete_many({})
        await store.contacts.collection.delete_many({})
        for arguments in ([], ["--repair"], []):
            ran = await verify(*arguments, **outside)
            assert (ran.code, "event 1 is missing: checkpoint" in ran.out) == (1, True), ran
        await store.checkpoints.collection.delete_many({})
        await store.checkpoint_heads.collection.delete_many({})
        bare = await verify()
        assert (bare.code, "No checkpoints yet" in bare.out) == (0, True), bare
        ran = await verify("--against", "exported.jsonl", checkpoint_key="k" * 40)
        assert (ran.code, "is missing, but exported.jsonl has it." in ran.out) == (1, True), ran
        assert (await verify("--against", "nowhere.jsonl")).code == 2


async def _sign_up_in_a_demo_that_stops(folder: Path, settings: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *SAYSO, "demo", "--port", "0", cwd=folder, env=environment(**settings),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        base = Demo(process, folder, await _until_ready(process)).base
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            visitor = Visitor(session, base)
            await visitor.open()
            assert (await visitor.submit())[0] == 200
    finally:
        process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.communicate()


async def test_its_log_is_json_and_names_nobody(demo: Demo, person: Visitor) -> None:
    await person.submit()
    stream = demo.process.stderr
    assert stream
    lines: list[Mapping[str, object]] = []
    async with asyncio.timeout(PATIENCE):
        while not any(str(line.get("message", "")).startswith("POST /messenger/conversations") for line in lines):
            raw = await stream.readline()
            assert not tells_number(raw.decode())
            assert (person.token or "").encode() not in raw
            lines.append(json.loads(raw))


async def test_a_database_that_dies_is_started_again(demo: Demo, person: Visitor) -> None:
    await person.submit()
    first = int(str(demo.database["pid"]))
    os.kill(first, signal.SIGKILL)

    async def state() -> str:
        async with person.session.get(f"{demo.base}/healthz") as answer:
            assert answer.status == 200
            return str((await answer.json())["database"])

    async def is_back() -> bool:
        return demo.database["pid"] not in {first, None} and await state() == "ok"

    async def is_submitted() -> bool:
        return (await person.submit())[0] == 200

    await eventually(is_back)
    await eventually(is_submitted)
    ran = await sayso(demo.folder, "verify")
    assert ran.code == 0, ran


async def test_told_to_stop_it_says_bye_ends_well_and_takes_the_database_along(demo: Demo, person: Visitor) -> None:
    database = int(str(demo.database["pid"]))
    async with person.session.ws_connect(f"{demo.base}/messenger/live", origin=demo.base) as line:
        greeting = {"type": "hello", "token": person.token, "conversation": person.conversation, "after": 2}
        await line.send_json(greeting)
        assert (await line.receive_json())["type"] == "ready"
        demo.process.send_signal(signal.SIGTERM)
        assert await last_words(line) == ([{"type": "bye"}], aiohttp.WSCloseCode.SERVICE_RESTART)
    async with asyncio.timeout(PATIENCE):
        _, err = await demo.process.communicate()
    assert demo.process.returncode == 0, err
    assert "Traceback" not in err.decode(), err.decode()

    async def gone() -> bool:
        try:
            os.kill(database, 0)
        except ProcessLookupError:
            return True
        return b") Z " in Path(f"/proc/{database}/stat").read_bytes()

    await eventually(gone)
    assert demo.database["pid"] is None
