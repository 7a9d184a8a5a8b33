"""One running Sayso that most tests in this folder share: each test creates its own people, and nothing is wiped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from bot.config import Settings
from bot.demo import make_demo
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.conftest import Visitor, eventually, serving
from tests.widget.desk import BEN, Desk, at_desk
from tests.widget.help import Running, user_hash


@pytest.fixture(scope="session")
async def running(mongo: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("running")
    settings = Settings(_env_file=None, data=folder, secret_key="r" * 40, form_limit=0, quiet_hours=False)
    async with open_store(mongo.url, "sayso_widget") as store:
        await store.prepare()
        await make_demo(store, "http://sayso.test")
        async with (
            serving(store, settings) as server,
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        ):
            yield Running(server, store, settings, session)


@pytest.fixture
async def own(mongo: EmbeddedServer, demo_store: Store, settings: Settings) -> AsyncIterator[Running]:
    """A Sayso that no other test uses, for tests that change its workspace."""
    async with (
        open_store(mongo.url, "sayso_test") as store,
        serving(store, settings) as server,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield Running(server, store, settings, session)


@pytest.fixture
def newcomer(running: Running) -> Callable[[], Visitor]:
    """Creates visitors who have not opened the chat yet."""
    return lambda: Visitor(running.session, running.base)


@pytest.fixture
async def visitor(newcomer: Callable[[], Visitor]) -> Visitor:
    """An anonymous visitor in front of the card."""
    person = newcomer()
    await person.open()
    return person


@pytest.fixture
async def stranger(newcomer: Callable[[], Visitor]) -> Visitor:
    """Another visitor with their own chat and token."""
    person = newcomer()
    await person.open()
    return person


@pytest.fixture
async def known_user(newcomer: Callable[[], Visitor], running: Running) -> Visitor:
    """A user of the shop, proven by its signature, with a saved number."""
    person = newcomer()
    id = running.new_user_id()
    await person.open(user_id=id, user_hash=user_hash(await running.secret(), id))
    status, _ = await person.submit("(201) 555-0147")
    assert status == 200

    async def is_stored() -> bool:
        return await running.store.conversations.get(person.conversation or "") is not None

    await eventually(is_stored)  # the answer is durable before its chat is
    return person


@pytest.fixture
async def other_process(running: Running, mongo: EmbeddedServer) -> AsyncIterator[str]:
    """The URL of another Sayso on the same database."""
    async with (
        open_store(mongo.url, "sayso_widget") as store,
        serving(store, running.settings) as server,
    ):
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
async def ada(running: Running) -> AsyncIterator[Desk]:
    """A signed-in admin."""
    async with at_desk(running.base) as desk:
        yield desk


@pytest.fixture
async def ben(running: Running) -> AsyncIterator[Desk]:
    """A signed-in agent, without access to settings."""
    async with at_desk(running.base, BEN) as desk:
        yield desk
