"""`sayso import`: a file from the terminal, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from bot.demo import DEALS, make_demo
from bot.store import Store
from tests.widget.cli.conftest import Invoke
from tests.widget.cli.test_cli import Ran
from widget.cli import imports, terminal

ROWS = "Name,Mobile no\nAda,2015550171\nBen,nonsense\n"
Command = Callable[..., Coroutine[None, None, Ran]]


@pytest.fixture
async def command(invoke: Invoke, kept: Store, tmp_path: Path) -> Command:
    """`await command("rows", "--dry-run")`: `sayso import list.csv --dry-run`, in a demo workspace."""
    await make_demo(kept, "http://sayso.test")

    async def run(rows: str, *options: str, name: str = "list.csv") -> Ran:
        (tmp_path / "list.csv").write_text(rows)
        return await invoke("import", *([name] if name else []), *options)

    return run


async def test_a_file_is_imported_and_its_bad_rows_are_written_out(
    command: Command, kept: Store, tmp_path: Path
) -> None:
    options = ("--map", "Mobile no=phone", "--everyone-in", DEALS, "--how", "paper", "--failed", "failed.csv")
    ran = await command(ROWS, *options)
    assert (ran.code, "New contacts: 1" in ran.out, "Line 3: Mobile no:" in ran.out) == (1, True, True), ran
    assert (tmp_path / "failed.csv").read_text().splitlines()[1].startswith("Ben,nonsense,3,")
    (contact,) = await kept.contacts.find({"name": "Ada"}, limit=9)
    assert contact.phone == "+12015550171"
    assert [consent.subscription for consent in contact.consents] == [DEALS]


async def test_a_dry_run_changes_nothing(command: Command, kept: Store) -> None:
    before = await kept.contacts.count_about()
    ran = await command(ROWS, "--map", "Mobile no=phone", "--dry-run")
    assert (ran.code, "New contacts: 1" in ran.out) == (1, True), ran
    assert await kept.contacts.count_about() == before


async def test_an_interrupted_import_says_how_it_continues(
    command: Command, kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(imports, "follow", interrupted)
        ran = await command(ROWS, "--map", "Mobile no=phone")
    (file,) = await kept.contact_imports.newest(limit=9)
    assert (ran.code, f"sayso import --resume {file.id}" in ran.err) == (terminal.TERMINATED, True), ran
    assert (await kept.contacts.find({"name": "Ada"}, limit=9)) == []
    ran = await command("", "--resume", file.id, name="")
    assert (ran.code, "New contacts: 1" in ran.out) == (1, True), ran
    assert len(await kept.contacts.find({"name": "Ada"}, limit=9)) == 1
    assert (await command("", "--resume", "0" * 24, name="")).code == 2
    assert (await command("", name="")).code == 2


@pytest.mark.parametrize(
    ("rows", "options", "reason"),
    [
        (ROWS, [], "Choose the column with the phone number"),
        (ROWS, ["--map", "Nope=phone"], 'no column "Nope"'),
        (ROWS, ["--map", "Mobile no=phone", "--everyone-in", DEALS], "Choose how they consented."),
        ("", [], "The file is empty."),
    ],
)
async def test_what_cannot_be_imported_is_said(command: Command, rows: str, options: list[str], reason: str) -> None:
    ran = await command(rows, *options)
    assert (ran.code, reason in ran.err) == (2, True), ran
