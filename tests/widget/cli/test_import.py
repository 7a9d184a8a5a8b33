"""`sayso import`: a file from the terminal, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.demo import DEALS, make_demo
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.widget.cli.test_cli import Ran, environment
from widget import cli
from widget.cli import terminal

DATABASE = "sayso_cli_import"
ROWS = "Name,Mobile no\nAda,2015550171\nBen,nonsense\n"
Command = Callable[..., Coroutine[None, None, Ran]]


@pytest.fixture
async def kept(mongo: EmbeddedServer) -> AsyncIterator[Store]:
    async with open_store(mongo.url, DATABASE) as store:
        await store.prepare()
        for table in store.tables:
            await table.collection.delete_many({})
        await make_demo(store, "http://sayso.test")
        yield store


@pytest.fixture
def command(mongo: EmbeddedServer, kept: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """`await command(b"rows", "--dry-run")`: `sayso import list.csv --dry-run`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal, "set_up_logs", lambda form, level: None)
    env = environment(mongo_url=mongo.url, database=DATABASE)

    async def run(rows: str, *options: str) -> Ran:
        (tmp_path / "list.csv").write_text(rows)
        words = ["import", "list.csv", *options]
        result = await asyncio.to_thread(CliRunner().invoke, cli.app, words, env=env, prog_name="sayso")
        return Ran(result.exit_code, result.stdout, result.stderr)

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
