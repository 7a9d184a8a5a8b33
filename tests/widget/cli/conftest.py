"""A command that runs in the test's own process, on a database that begins empty."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.conftest import wipe
from tests.widget.cli.test_cli import Ran, environment
from widget import cli
from widget.cli import terminal

DATABASE = "sayso_cli"
Invoke = Callable[..., Coroutine[None, None, Ran]]


@pytest.fixture(scope="session")
async def _indexed(mongo: EmbeddedServer) -> AsyncIterator[Store]:
    async with open_store(mongo.url, DATABASE) as store:
        await store.prepare()
        yield store


@pytest.fixture
async def kept(_indexed: Store) -> Store:
    _indexed.openings.forget()
    await wipe(_indexed)
    return _indexed


@pytest.fixture
def env(mongo: EmbeddedServer) -> dict[str, str]:
    return environment(mongo_url=mongo.url, database=DATABASE)


@pytest.fixture
def invoke(env: dict[str, str], kept: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Invoke:
    """`await invoke("jobs", "show", id)`: `sayso jobs show ID`; `typed`: standard input."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal, "set_up_logs", lambda form, level: None)
    return partial(invoked, env)


async def invoked(env: dict[str, str], *arguments: str, typed: str | bytes | None = None) -> Ran:
    result = await asyncio.to_thread(CliRunner().invoke, cli.app, arguments, input=typed, env=env, prog_name="sayso")
    return Ran(result.exit_code, result.stdout, result.stderr)
