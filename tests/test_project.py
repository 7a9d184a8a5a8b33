"""What users rely on stays true: the settings table, the commands, and a wheel that works by itself."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import sysconfig
import urllib.request
import venv
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from threading import Timer

import pytest
from bson import json_util
from typer.testing import CliRunner

from bot.consent.changes import ConsentChange
from bot.consent.ledger import Ledger
from bot.demo import DEALS, subscriptions
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.event import Action, Actor, Context, Evidence, How, Source, Words
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.people import greeted
from tools.settings_table import README, split, table
from widget.cli import app

ROOT = Path(__file__).parents[1]
COMMANDS = {"serve", "demo", "worker", "teammate", "token", "jobs", "flow", "migrate", "verify", "import", "check"}
START_SECONDS = 90
PAGES = [
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"),
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]


def test_the_settings_table_of_the_readme_is_the_settings() -> None:
    _, shown, _ = split(README.read_text(encoding="utf-8"))

    assert shown == table(), "run `make settings`"


def test_the_command_line_has_the_commands_of_the_contract() -> None:
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert commands | {str(group.name) for group in app.registered_groups} == COMMANDS


@pytest.mark.parametrize("command", [(), *((name,) for name in sorted(COMMANDS))])
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})

    assert answer.exit_code == 0
    assert "--help" in answer.output
    if not command:
        assert all(re.search(rf"\b{name}\b", answer.output) for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_readme_names_every_command(name: str) -> None:
    assert f"`sayso {name}" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_headings_and_tables_of_the_docs_are_whole(page: str) -> None:
    """A heading follows a blank line, and a table has none."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)

    assert re.findall(r"(?<=[^\n])\n#+ .*", text) == []
    assert re.findall(r"\n\n\|.*\n(?!\|-).*", text) == []


@pytest.mark.parametrize("page", PAGES)
def test_links_between_the_pages_of_the_docs_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = {target for target in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in target}

    assert [target for target in sorted(targets) if not (ROOT / page).parent.joinpath(target).exists()] == []


def test_make_and_the_build_server_have_what_they_call() -> None:
    for tool in (".ci/run", "tools/setup", "tools/test", "tools/apt", "tools/chromium"):
        assert os.access(ROOT / tool, os.X_OK), f"{tool} can't be run"


async def test_the_proof_page_checks_a_line_without_our_code(
    store: Store, mongo: EmbeddedServer, make_contact: Callable[..., Awaitable[Contact]], tmp_path: Path
) -> None:
    contact = await make_contact()
    for action in (Action.OPT_IN, Action.OPT_OUT):
        await Ledger(store).record(_change(contact.id, action))
    script = _script("docs/proof.md", tmp_path)
    command = (sys.executable, str(script), mongo.url, store.database.name, contact.id)

    whole = await asyncio.to_thread(_call, *command)
    await store.events.collection.update_one({"seq": 1}, {"$set": {"words.legal_text": "Other words."}})
    edited = await asyncio.to_thread(_call, *command)

    assert whole.stdout.startswith("2 events"), whole.stderr
    assert "event 1 was edited" in edited.stderr


async def test_the_proof_page_checks_erased_chains_and_those_of_version_0_1(
    store: Store, make_contact: Callable[..., Awaitable[Contact]], mongo: EmbeddedServer, tmp_path: Path
) -> None:
    kept = json_util.loads((ROOT / "tests/fixtures/version_0_1.json").read_text())
    await store.contacts.collection.insert_many(kept["contacts"])
    await store.events.collection.insert_many(kept["events"])
    contact, ledger = kept["events"][0]["contact"], Ledger(store)
    told = Evidence(how=How.PAPER, given_at=now(), note="In the shop")
    await ledger.record(replace(_change(contact, Action.OPT_IN), evidence=told))
    script = _script("docs/proof.md", tmp_path)

    async def checked(of: str = contact) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, str(script), mongo.url, store.database.name, of)
        return await asyncio.to_thread(_call, *command)

    assert (await checked()).returncode == 0
    other = (await make_contact()).id
    event = (await ledger.record(_change(other, Action.OPT_OUT))).event
    await store.events.erase_values([event.stored()])
    assert "no event erases them" in (await checked(other)).stderr
    await ledger.erase(contact, Actor(kind="system", id="test"), Source.SYSTEM, "erase")
    assert (done := await checked()).returncode == 0, done.stderr
    await store.events.collection.update_one({"_id": f"{contact}:0000000001"}, {"$set": {"source": "api"}})
    assert "event 1 was edited" in (await checked()).stderr


async def test_the_deployment_page_sets_up_a_greeting(mongo: EmbeddedServer, tmp_path: Path) -> None:
    page = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
    (flow,) = re.findall(r"^```json\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    file = tmp_path / "greeting.json"
    file.write_text(flow.replace("SUBSCRIPTION_ID", DEALS), encoding="utf-8")
    settings = {"SAYSO_MONGO_URL": mongo.url, "SAYSO_DATABASE": "sayso_docs", "PYTHONPATH": str(ROOT)}
    async with open_store(mongo.url, "sayso_docs") as store:
        await store.prepare()
        for subscription in subscriptions():
            await store.subscriptions.keep(subscription)

        command = ("-m", "widget.cli", "flow", "import", str(file), "--live")
        answer = await asyncio.to_thread(_call, sys.executable, *command, cwd=tmp_path, **settings)

        assert answer.returncode == 0, answer.stderr
        _, parts = await greeted(store, "0" * 24)
        await store.database.client.drop_database("sayso_docs")
    assert [part.content.kind for part in parts] == ["text", "card"]


def _change(contact: str, action: Action) -> ConsentChange:
    actor = Actor(kind="contact", id=contact)
    words = Words(legal_text="Msg & data rates may apply.", subscription_name="Deals", locale="en", act='pressed "Yes"')
    return ConsentChange(
        contact=contact,
        subscription=DEALS,
        action=action,
        source=Source.FORM,
        actor=actor,
        number="+12015550123",
        words=words,
        context=Context(page="https://shop.test/", ip="192.0.2.1"),
        key=f"the-{action}-key",
    )


def _script(page: str, folder: Path) -> Path:
    """The one Python program of a page, as a file."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel in it. Its dependencies are those of the tests; our own code is not."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("sayso-*.whl")
    home = folder / "venv"
    venv.create(home, symlinks=True)
    _run(*pip, "--python", str(home / "bin" / "python"), "install", "--no-deps", "--no-index", str(wheel))
    # A path named in a .pth file is only searched itself: the .pth file of the editable install in there is not read.
    site = home / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


@pytest.mark.slow
def test_the_wheel_carries_the_code_and_nothing_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = "import bot, widget; print(bot.__file__, widget.__file__, sep='\\n')"
    found = _run(str(installed / "python"), "-c", where, cwd=tmp_path).splitlines()

    assert len(found) == 2
    assert all(path.startswith(str(installed.parent)) for path in found)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["/demo", "/static/card.css", "/messenger", "/widget.js"])
def test_the_wheel_serves_its_pages_from_any_directory(served: str, page: str) -> None:
    with urllib.request.urlopen(served + page, timeout=10) as answer:  # noqa: S310 (our own server)
        assert answer.status == 200
        assert len(answer.read()) > 500


@pytest.fixture(scope="session")
def served(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`sayso demo` of the wheel, started from a directory of its own, on a free port; its address."""
    where = tmp_path_factory.mktemp("elsewhere")
    command = [str(installed / "sayso"), "demo", "--port", "0"]
    with (where / "log").open("w+") as log:
        process = subprocess.Popen(
            command, cwd=where, env=_environment(), stdout=subprocess.PIPE, stderr=log, text=True
        )
        too_long = Timer(START_SECONDS, process.kill)
        too_long.start()
        try:
            assert process.stdout
            greeting = "".join(takewhile(lambda line: not line.startswith("Ready"), process.stdout))
            too_long.cancel()
            address = re.search(r"(http://\S+)/demo$", greeting, re.MULTILINE)
            assert address, greeting + (where / "log").read_text()
            yield address[1]
        finally:
            too_long.cancel()
            process.terminate()
            process.communicate(timeout=30)
    assert process.returncode == 0, (where / "log").read_text()


def _call(*command: str, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env={**_environment(), **more}, capture_output=True, text=True, check=False, timeout=120
    )


def _run(*command: str, cwd: Path | None = None) -> str:
    done = _call(*command, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _environment() -> dict[str, str]:
    """Ours without what would lead Python back to the checkout."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("SAYSO_", "PYTHON", "VIRTUAL_ENV"))}


def test_the_pictures_of_the_docs_are_small_and_shown() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    for picture in (ROOT / "docs" / "images").iterdir():
        assert f"images/{picture.name})" in pages, picture.name
        assert picture.stat().st_size < 150_000, picture.name
