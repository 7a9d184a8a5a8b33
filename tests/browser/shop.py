"""A shop on another site than Sayso, and the chat in it, as a person works them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import quote

from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Error,
    Frame,
    Locator,
    Page,
    Request,
    Response,
    Route,
    expect,
)

from bot.app import Bot
from tests.conftest import PATIENCE, eventually

SHOP = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Pier Shop</title>
{early}
<main>
  <h1>Pier Shop</h1>
  <p><a href="#mugs">Mugs</a> and <button id="help" type="button">Help</button></p>
</main>
{scripts}
</html>
"""

WORN = """([scheme, width]) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
  done(matchMedia(`(prefers-color-scheme: ${scheme})`).matches && innerWidth === width))))"""


def base(server: TestServer) -> str:
    return str(server.make_url("")).rstrip("/")


async def wear(page: Page, scheme: str, width: int, height: int) -> None:
    """Changes the window's size and the light, and waits until the frames have heard of both and were painted."""
    await page.set_viewport_size({"width": width, "height": height})
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for frame in page.frames:
        wide = width
        if frame.parent_frame:
            box = await (await frame.frame_element()).bounding_box()
            wide = round(box["width"]) if box else 0
        if wide:
            async with asyncio.timeout(PATIENCE):
                while not await _wears(frame, scheme, wide):
                    continue


async def _wears(frame: Frame, scheme: str, width: int) -> bool:
    try:
        return bool(await frame.evaluate(WORN, [scheme, width]))
    except Error as error:  # a preview was drawn anew in it meanwhile
        if "context was destroyed" not in error.message:
            raise
        return False


async def shows(seqs: Callable[[], Awaitable[list[int]]], wanted: Sequence[int], *, in_order: bool = True) -> None:
    """Waits for these entries, and no others, in this order."""
    found: list[int] = []

    async def done() -> bool:
        found[:] = await seqs()
        return (found if in_order else sorted(found)) == [*wanted]

    try:
        await eventually(done)
    except TimeoutError as error:
        error.add_note(str(found))
        raise


class Shop:
    """Any shop: its page, with the snippet in it. It answers on `localhost`, Sayso on `127.0.0.1`: two sites.

    Its content security policy allows Sayso what the docs say that a site must allow, and nothing more.
    """

    def __init__(self) -> None:
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/settings.js", self._settings)
        app.router.add_get("/import.js", self._import)
        app.router.add_get("/show.js", self._show)
        self.server = TestServer(app, host="127.0.0.1")

    def address(self, sayso: str, settings: dict[str, Any] | None, **options: str) -> str:
        """`settings`: its `window.saysoSettings`; None for a shop that sets none and boots by itself.

        `load="module"`: imports the launcher. `load="early"`: loads it and shows the chat before there is a body.
        `isolated`: its Cross-Origin-Embedder-Policy. `sandbox`: what a page without an origin may do.
        """
        wanted = "" if settings is None else "&settings=" + quote(json.dumps(settings))
        more = "".join(f"&{name}={quote(value)}" for name, value in options.items())
        return f"http://localhost:{self.server.port}/?sayso={quote(sayso)}{wanted}{more}"

    async def _page(self, request: web.Request) -> web.Response:
        sayso, settings = request.query["sayso"], request.query.get("settings")
        scripts = f'<script src="{escape(sayso)}/widget.js" async></script>'
        if request.query.get("load") == "module":
            scripts = f'<script type="module" src="/import.js?sayso={escape(quote(sayso))}"></script>'
        if settings is not None:
            scripts = f'<script src="/settings.js?settings={escape(quote(settings))}"></script>\n' + scripts
        policy = (
            f"default-src 'none'; script-src 'self' {sayso}; connect-src {sayso}; frame-src {sayso}; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        )
        early = ""
        if request.query.get("load") == "early":
            early = f'<script src="{escape(sayso)}/widget.js"></script><script src="/show.js"></script>'
        page = SHOP.format(scripts=scripts, early=early)
        if sandbox := request.query.get("sandbox"):
            policy += f"; sandbox {sandbox}"
        headers = {"Content-Security-Policy": policy}
        if isolated := request.query.get("isolated"):
            headers |= {"Cross-Origin-Embedder-Policy": isolated, "Cross-Origin-Opener-Policy": "same-origin"}
        return web.Response(text=page, content_type="text/html", headers=headers)

    async def _show(self, _request: web.Request) -> web.Response:
        script = "window.hadBody = Boolean(document.body); Sayso('boot', {}); Sayso('show');"
        return web.Response(text=script, content_type="text/javascript")

    async def _import(self, request: web.Request) -> web.Response:
        script = f"import {json.dumps(request.query['sayso'] + '/widget.js')};"
        return web.Response(text=script, content_type="text/javascript")

    async def _settings(self, request: web.Request) -> web.Response:
        script = f"window.saysoSettings = {request.query['settings']};"
        return web.Response(text=script, content_type="text/javascript")


@dataclass
class Watch:
    """Hears every error, in whichever frame or tab of one browser. What a test makes happen on purpose, it allows."""

    faults: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", self._error)
        page.on("request", lambda request: self.requests.append(f"{request.method} {request.url}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._response)

    def allow(self, *patterns: str) -> None:
        self.allowed.extend(patterns)

    @property
    def unexpected(self) -> list[str]:
        return [fault for fault in self.faults if not any(re.search(pattern, fault) for pattern in self.allowed)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.text.startswith(("htmx:sendAbort,", "htmx:afterRequest,")):
            return  # a request that was cut off: `_failed` judges it
        if message.type in {"error", "warning"}:
            self.faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _error(self, error: Error) -> None:
        self.faults.append(f"page error: {error.message}\n{error.stack}")

    def _failed(self, request: Request) -> None:
        is_read = request.method == "GET" or "/preview" in request.url
        if request.failure == "net::ERR_ABORTED" and is_read:
            return  # the page was left, or was loaded anew, before it had read this: nothing is lost by that
        self.faults.append(f"request failed: {request.method} {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"answer {response.status}: {response.request.method} {response.url}")


async def hold_answers(page: Page, pattern: str, number: int) -> list[asyncio.Event]:
    """Each of so many POSTs is answered by the server at once, and its page hears of it when its gate is opened."""
    gates = [asyncio.Event() for _ in range(number)]
    waiting = iter(gates)

    async def late(route: Route) -> None:
        if route.request.method != "POST":
            return await route.continue_()
        gate, answer = next(waiting), await route.fetch()
        await gate.wait()
        return await route.fulfill(response=answer)

    await page.route(pattern, late)
    return gates


class Chat:
    """The chat on one page of a shop."""

    def __init__(self, page: Page, watch: Watch, sayso: str, bot: Bot | None = None) -> None:
        self.page, self.watch, self.sayso, self.bot = page, watch, sayso, bot
        self.launcher_button = page.locator("#sayso .button")
        self.launcher = page.get_by_role("button", name=re.compile("^(Open|Close) chat"))
        self.iframe = page.locator("#sayso iframe")
        self.frame = page.frame_locator("#sayso iframe")
        self.line = self.frame.locator("#line")
        self.cards = self.frame.locator(".card")
        self.card = self.cards.last
        self.field = self.card.get_by_label("Phone number", exact=True)
        self.text = self.frame.get_by_label("Message", exact=True)
        self.parts = self.frame.locator(".part:not([hidden])")
        self.announcer = self.frame.locator("#announcer")

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    async def open(self) -> None:
        """Presses the launcher, unless the chat is open from an earlier page, and waits until the chat is live."""
        if await self.launcher.get_attribute("aria-expanded") == "false":
            await self.launcher.click()
        await self.is_live()

    async def is_live(self) -> None:
        await expect(self.line).to_have_attribute("data-line", "live")
        await expect(self.frame.get_by_role("log")).to_have_attribute("aria-busy", "false")

    async def sign_up(self, number: str) -> None:
        await self.field.fill(number)
        await self.press()

    async def press(self, button: str = "Sign Up Now") -> None:
        await self.card.get_by_role("button", name=button).click()

    async def say(self, text: str) -> None:
        await self.text.fill(text)
        await self.text.press("Enter")

    def bubble(self, text: str) -> Locator:
        return self.frame.locator(".bubble", has_text=text)

    def sent(self, text: str) -> Locator:
        """The visitor's own message, once the server has it."""
        return self.frame.locator(".part.mine[data-seq] .bubble", has_text=text)

    async def new_conversation(self) -> None:
        await self.frame.get_by_role("button", name="Your conversations").click()
        await self.frame.get_by_role("button", name="New conversation").click()
        await self.is_live()

    async def conversation(self) -> str:
        return await self.frame.locator("#parts").get_attribute("data-conversation") or ""

    async def stored(self) -> str:
        """The same of a chat that is stored, as by a first act: only then teammates can open it."""
        assert self.bot
        id = await self.conversation()
        contact, chat = await self.bot.messenger.visit(await self.token() or "", id)
        assert chat
        await self.bot.openings.store(contact, chat)
        return id

    async def token(self) -> str | None:
        kept: str | None = await self.page.evaluate("localStorage.getItem('sayso.visitor')")
        return kept

    async def seqs(self) -> list[int]:
        """The numbers of the entries, in the order in which they stand."""
        found: list[int] = await self.frame.locator(".part").evaluate_all(
            "all => all.map((li) => Number(li.dataset.seq))"
        )
        return found

    async def inside(self) -> Frame:
        """The messenger's own frame, to run scripts in."""
        handle = await self.iframe.element_handle()
        frame = await handle.content_frame()
        assert frame
        return frame

    async def another_tab(self) -> Chat:
        """The same shop, in a second tab of the same browser."""
        page = await self.context.new_page()
        self.watch.over(page)
        await page.goto(self.page.url)
        return Chat(page, self.watch, self.sayso, self.bot)

    async def tab(self, path: str) -> Page:
        """A page of Sayso's own, in another tab."""
        page = await self.context.new_page()
        self.watch.over(page)
        await page.goto(self.sayso + path)
        return page
