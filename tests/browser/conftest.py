"""Chromium, a shop on another site, and people in it. Whatever goes wrong in a page fails its test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Page, expect

from bot.config import Settings
from bot.store import open_store
from bot.store.embedded import EmbeddedServer
from tests.browser import chromium
from tests.browser.shop import Chat, Shop, Watch, base
from tests.conftest import PATIENCE, TOLD, free_port, serving
from widget.web.http import BOT

expect.set_options(timeout=PATIENCE * 1000)  # what is waited for comes; how soon is the machine's affair

Visit = Callable[..., Awaitable[Chat]]
Look = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Skips without a Chromium, or fails when `SAYSO_TEST_BROWSER=required`."""
    path = chromium.find()
    if path is None:
        reason = f"NO BROWSER TESTS: none of {', '.join(chromium.NAMES)} is on the PATH (apt-get install chromium)"
        if TOLD.get("SAYSO_TEST_BROWSER") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    async with chromium.launched(chromium.find_shell() or chromium_path) as running:
        yield running


@pytest.fixture(scope="session")
async def whole_browser(chromium_path: str) -> AsyncIterator[Browser]:
    """Chromium with all that visitors have, cookies of other sites blocked."""
    async with chromium.launched(chromium_path) as running:
        yield running


@pytest.fixture(scope="session")
async def shop() -> AsyncIterator[Shop]:
    running = Shop()
    await running.server.start_server()
    yield running
    await running.server.close()


@pytest.fixture
async def contexts(
    browser: Browser, server: TestServer
) -> AsyncIterator[Callable[..., Awaitable[tuple[BrowserContext, Watch]]]]:
    """Makes browsers of people who never were here; each is watched, and what went wrong in one is told at the end.

    It needs the server so that the pages are closed before that stops.
    """
    watches: list[Watch] = []
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> tuple[BrowserContext, Watch]:
            usual = {"locale": "en-US", "reduced_motion": "reduce", "viewport": {"width": 1280, "height": 800}}
            context = await browser.new_context(**{**usual, **options})
            stack.push_async_callback(context.close)
            context.set_default_timeout(PATIENCE * 1000)
            watch = Watch()
            if options.get("java_script_enabled", True) is False:
                watch.allow(r"/static/\S+\.js csp$")  # Chromium calls a preloaded module blocked where scripts are off
            watches.append(watch)
            return context, watch

        yield make
        unexpected = [fault for watch in watches for fault in watch.unexpected]
    assert unexpected == []


@pytest.fixture
async def visit(contexts: Callable[..., Awaitable[tuple[BrowserContext, Watch]]], shop: Shop) -> Visit:
    """`chat = await visit(server)`: somebody new comes to the shop that embeds this Sayso."""

    async def come(server: TestServer, settings: dict[str, Any] | None = None, **options: Any) -> Chat:
        context, watch = await contexts(**options)
        page = await context.new_page()
        watch.over(page)
        server.app[BOT].runs.scripts.live.cache_clear()  # a flow that was just published counts
        await page.goto(shop.address(base(server), settings or {}))
        return Chat(page, watch, base(server), server.app[BOT])

    return come


@pytest.fixture
async def look(contexts: Callable[..., Awaitable[tuple[BrowserContext, Watch]]]) -> Look:
    """`page = await look(server, "/p/…")`: somebody opens a page of Sayso's own."""

    async def open_page(
        server: TestServer,
        path: str,
        *,
        allow: tuple[str, ...] = (),
        cookies: Sequence[Any] = (),
        **options: Any,
    ) -> Page:
        context, watch = await contexts(**options)
        watch.allow(*allow)
        await context.add_cookies(cookies)
        page = await context.new_page()
        watch.over(page)
        await page.goto(base(server) + path)
        return page

    return open_page


class Restartable:
    """Sayso on one port, stopped and started again, each time as a new process would be."""

    def __init__(self, mongo: EmbeddedServer, settings: Settings) -> None:
        self._mongo, self._settings, self._port = mongo, settings, free_port()
        self._stack = AsyncExitStack()
        self.server: TestServer

    async def start(self) -> None:
        store = await self._stack.enter_async_context(open_store(self._mongo.url, "sayso_test"))
        self.server = await self._stack.enter_async_context(serving(store, self._settings, self._port))

    async def stop(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def restartable(mongo: EmbeddedServer, demo_store: object, settings: Settings) -> AsyncIterator[Restartable]:
    running = Restartable(mongo, settings)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def profile_folder(tmp_path: Path) -> Path:
    return tmp_path / "profile"
