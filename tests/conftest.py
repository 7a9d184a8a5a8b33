"""Shared fixtures: a real database, wiped between tests; a real server on the loopback; three people.

`SAYSO_TEST_ENGINE=secantusdb` runs all tests on the other embedded server.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import hypothesis
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher

from bot.aio import background
from bot.app import Bot, make_bot
from bot.config import Settings
from bot.contacts import finder
from bot.demo import DEALS, make_demo
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.outbound import dispatcher
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer, embedded_server
from bot.store.stops import KEY
from bot.workspace import passwords
from widget.app import make_app
from widget.web import middleware, websocket

# Time limits of examples would measure the machine rather than the code.
# A build server tries the same examples each time; new ones are tried wherever the tests are run by hand.
hypothesis.settings.register_profile(
    "sayso",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
hypothesis.settings.load_profile("sayso")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what uses a database or Chromium, runs slow files first, leaves out the cases for `make soak`."""
    for item in items:
        if "mongo" in getattr(item, "fixturenames", ()) or item.get_closest_marker("slow"):
            item.add_marker("database")
        if "chromium_path" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    if "soak" not in config.option.markexpr:
        large = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=large)
        items[:] = [item for item in items if item not in large]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """The garbage collector finds nothing among modules and tests, and visiting them took a quarter of this time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names what failed in the file that `tools/test` wants it in."""
    if path := os.environ.get("FAILED_TESTS_FILE"):
        failed = [report.nodeid for kind in ("failed", "error") for report in terminalreporter.stats.get(kind, ())]
        Path(path).write_text("".join(f"{node}\n" for node in dict.fromkeys(failed)), encoding="utf-8")


PATIENCE = 120.0
"""Seconds after which a test gives up what it waits for. Nothing takes that long, however busy the machine."""
background.STOP_SECONDS = PATIENCE  # what is cut off may still write, after the next test has wiped the database
finder.COUNT_MS = finder.PAGE_MS = finder.WALK_MS = int(PATIENCE * 1000)  # an estimate would depend on the machine
dispatcher.JUDGED_FOR = timedelta(seconds=PATIENCE)  # a text that waits longer is judged again
middleware.ANSWER_SECONDS = middleware.BRAND_SECONDS = websocket.BYE_SECONDS = PATIENCE

TOLD = {name: value for name, value in os.environ.items() if name.startswith("SAYSO_TEST_")}
"""What the tests are told. The code would take it for wrong settings, so it is taken out of the environment."""
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Tests can't leave the loopback."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in LOOPBACK:
            raise AssertionError(f"a test tried to reach {address[0]}")
        real(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", connect)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    for name in [n for n in os.environ if n.startswith("SAYSO_")]:
        patch.delenv(name)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Real hashes with cheap parameters: a tenth of a second each adds up over hundreds of sign-ins."""
    patch = pytest.MonkeyPatch()
    cheap = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1)
    patch.setattr(passwords, "PasswordHasher", lambda: cheap)
    yield
    patch.undo()


@pytest.fixture(scope="session")
async def mongo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    engine = TOLD.get("SAYSO_TEST_ENGINE", "auto")
    async with embedded_server(tmp_path_factory.mktemp("data"), engine=engine) as server:  # type: ignore[arg-type]
        if server.engine == "mongod":
            await _keep_expired(server)
        yield server


async def _keep_expired(server: EmbeddedServer) -> None:
    """Tests live at `AT`, which is past: once a minute mongod would delete what some test still needs."""
    async with open_store(server.url, "sayso_test") as store:
        await store.database.client.admin.command({"setParameter": 1, "ttlMonitorEnabled": False})


@pytest.fixture(scope="session")
async def _prepared(mongo: EmbeddedServer) -> AsyncIterator[Store]:
    async with open_store(mongo.url, "sayso_test") as store:
        await store.prepare()
        yield store


@pytest.fixture
async def store(_prepared: Store) -> Store:
    """An empty database with its indexes."""
    _prepared.openings.forget()
    await wipe(_prepared)
    return _prepared


WIPED = {"_id": {"$ne": KEY}}
"""All but the key of the stop list: a process reads it once."""


async def wipe(store: Store) -> None:
    """Finds the collections with documents in one query, and empties them concurrently."""
    first, *others = [*(table.collection for table in store.tables), store.attempts.collection]
    united = [{"$unionWith": {"coll": other.name, "pipeline": _name_if_any(other.name)}} for other in others]
    filled = await first.aggregate([*_name_if_any(first.name), *united]).to_list(None)
    await asyncio.gather(*(store.database[found["_id"]].delete_many(WIPED) for found in filled))


def _name_if_any(name: str) -> list[dict[str, Any]]:
    return [{"$limit": 1}, {"$project": {"_id": name}}]


@pytest.fixture(scope="session")
async def _demo(_prepared: Store) -> dict[str, list[dict[str, Any]]]:
    """All documents of the demo workspace, by collection."""
    await wipe(_prepared)
    await make_demo(_prepared, "http://sayso.test")
    found = {table.name: await table.collection.find(WIPED).to_list(None) for table in _prepared.tables}
    return {name: documents for name, documents in found.items() if documents}


@pytest.fixture
async def demo_store(_demo: dict[str, list[dict[str, Any]]], store: Store) -> Store:
    """The demo workspace: Harbor Coffee, its subscriptions and its greeting flow."""
    await asyncio.gather(*(store.database[name].insert_many(documents) for name, documents in _demo.items()))
    return store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Without a limit of sign-ups: the numbers that may be used in tests are all of a few blocks."""
    return Settings(_env_file=None, data=tmp_path, secret_key="k" * 40, form_limit=0, quiet_hours=False)


@pytest.fixture
async def bot(demo_store: Store, settings: Settings) -> AsyncIterator[Bot]:
    """Sayso without its background loops. Work that a test started has ended before the next one wipes the database."""
    bot = await make_bot(settings, demo_store, "http://sayso.test")
    yield bot
    await bot.finish()


@pytest.fixture
async def make_contact(store: Store) -> Callable[..., Any]:
    async def make(**values: Any) -> Contact:
        time = now()
        contact = Contact(id=new_id(), created_at=time, updated_at=time, **values)
        await store.contacts.insert(contact)
        return contact

    return make


@pytest.fixture
async def server(mongo: EmbeddedServer, demo_store: Store, settings: Settings) -> AsyncIterator[TestServer]:
    """Sayso on the loopback with background work and demo pages.

    It has its own store, like another process.
    """
    async with open_store(mongo.url, "sayso_test") as own, serving(own, settings) as running:
        yield running


def free_port() -> int:
    """A port outside the range the system assigns, so that no other program takes it before the server does."""
    while True:
        port = 15_000 + secrets.randbelow(15_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class serving:
    """`async with serving(store, settings) as server`: a second process, as far as the database can tell."""

    def __init__(self, store: Store, settings: Settings, port: int | None = None) -> None:
        self._store, self._settings, self._port = store, settings, port

    async def __aenter__(self) -> TestServer:
        port = self._port or free_port()
        bot = await make_bot(self._settings, self._store, f"http://127.0.0.1:{port}")
        app: web.Application = make_app(bot, with_demo=True)
        self.server = TestServer(app, host="127.0.0.1", port=port)
        await self.server.start_server()
        return self.server

    async def __aexit__(self, *_: object) -> None:
        await self.server.close()


@dataclass
class Visitor:
    """A visitor's browser in the chat widget."""

    session: aiohttp.ClientSession
    base: str
    token: str | None = None
    conversation: str = ""
    opened: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def open(self, conversation: str | None = None, **settings: Any) -> dict[str, Any]:
        """Repeats what the site said about its user the last time."""
        self.settings = settings = {**self.settings, **settings}
        body = {"conversation": conversation, "settings": settings}
        async with self.session.post(f"{self.base}/messenger/open", json=body, headers=self.headers) as answer:
            assert answer.status == 200, await answer.text()
            self.opened = await answer.json()
        self.token, self.conversation = self.opened["token"], self.opened["conversation"]
        return self.opened

    def card(self, html: str | None = None) -> dict[str, str]:
        """The hidden fields of the card in `html` (the opened thread)."""
        found = re.search(r'name="version" value="([^"]+)"', html or self.opened["html"])
        assert found, "no version in the card"
        return {"version": found[1]}

    async def submit(self, number: str | None = "(201) 555-0123", seq: int = 2, **fields: str) -> tuple[int, str]:
        form = {**({} if "version" in fields else self.card()), "region": "US", **fields}
        if number is not None:
            form["number"] = number
        url = f"{self.base}/messenger/conversations/{self.conversation}/cards/{seq}"
        async with self.session.post(url, data=form, headers=self.headers) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def visitors(server: TestServer) -> AsyncIterator[Callable[[], Visitor]]:
    """Creates visitors without a token."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield lambda: Visitor(session, str(server.make_url("")).rstrip("/"))


async def eventually(check: Callable[[], Any]) -> Any:
    """The first truthy result of `check` (a coroutine function). A TimeoutError says what all tasks wait for."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                if answer := await check():
                    return answer
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        error.add_note("\n".join(sorted(_path(task.get_coro()) for task in asyncio.all_tasks())))
        raise


def _path(work: Any) -> str:
    """`work > _count > move`: from a task down to what it waits for."""
    names = []
    while work is not None:
        names.append(getattr(work, "__name__", type(work).__name__))
        work = getattr(work, "cr_await", None)
    return " > ".join(names)


@asynccontextmanager
async def asleep(pid: int) -> AsyncIterator[None]:
    """The process does nothing meanwhile: each of its threads has stopped."""

    async def has_stopped() -> bool:
        threads = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
        return all(thread.rpartition(")")[2].split()[0] == "T" for thread in threads)

    os.kill(pid, signal.SIGSTOP)
    try:
        await eventually(has_stopped)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


__all__ = ["DEALS", "PATIENCE", "TOLD", "Visitor", "asleep", "eventually", "free_port", "serving", "wipe"]
