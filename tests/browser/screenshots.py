"""Pictures of every face: `python -m tests.browser.screenshots`.

Writes those of the README and of docs/tour.md into `--out`; with `--all DIR` every state in light and dark, small and
large, left to right and right to left, for eyes.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, FloatRect, Page, Route, expect

from bot.app import Bot, make_bot
from bot.config import Settings
from bot.demo import DEALS, make_demo
from bot.model.base import new_id
from bot.store import Store, open_store
from bot.store.embedded import embedded_server
from tests.browser import chromium, gallery, tour
from tests.browser.people import signed_up
from tests.browser.shop import Chat, Watch, base, wear
from tests.conftest import free_port, serving
from tests.people import texted

SMALL, LARGE, TALL = 360, 1280, 2600
DEMO_SHOP_HOST = "localhost"


@dataclass
class Studio:
    browser: Browser
    server: TestServer
    bot: Bot
    folder: Path

    async def page(self, path: str, *, locale: str = "en", scale: float = 1, shop: bool = False) -> Page:
        context = await self.browser.new_context(
            locale=locale,
            reduced_motion="reduce",
            timezone_id="America/New_York",
            viewport={"width": LARGE, "height": 800},
            device_scale_factor=scale,
        )
        page = await context.new_page()
        host = base(self.server).replace("127.0.0.1", DEMO_SHOP_HOST) if shop else base(self.server)
        await page.goto(host + path)
        return page

    async def chat(self, *, locale: str = "en", scale: float = 1) -> Chat:
        """Somebody new in the demo shop, with the chat open."""
        page = await self.page("/demo", locale=locale, scale=scale, shop=True)
        chat = Chat(page, Watch(), base(self.server), self.bot)
        await chat.launcher_button.click()
        await chat.is_live()
        return chat

    async def take(self, page: Page, name: str, *, height: int = 800, full: bool = False) -> None:
        """In light and dark, small and large."""
        await page.mouse.move(1, 1)
        for width in (SMALL, LARGE):
            for scheme in ("light", "dark"):
                await wear(page, scheme, width, height)
                path = self.folder / f"{name}-{width}-{scheme}.png"
                is_wide_chat = width == LARGE and not full and await page.locator("#sayso .panel.open").count()
                clip: FloatRect = {"x": 780, "y": 0, "width": 500, "height": height}
                await page.screenshot(path=path, full_page=full, **({"clip": clip} if is_wide_chat else {}))  # type: ignore[arg-type]


@asynccontextmanager
async def held(page: Page, pattern: str) -> AsyncIterator[None]:
    """Requests get no answer until the end of it."""
    end, ended = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        await end.wait()
        await route.abort()
        ended.set()

    await page.route(pattern, hold)
    yield
    end.set()
    await ended.wait()


async def card_picture(studio: Studio, out: Path) -> None:
    """The messenger over the shop, with the card that waits for its button."""
    chat = await studio.chat()
    await wear(chat.page, "light", LARGE, 840)
    await chat.field.fill("(201) 555-0123")
    await chat.field.press("End")
    clip: FloatRect = {"x": 600, "y": 0, "width": 680, "height": 840}
    await chat.page.screenshot(path=out / "card.png", clip=clip, caret="hide")
    await chat.context.close()


async def _greeting(studio: Studio, locale: str) -> None:
    chat = await studio.chat(locale=locale)
    await studio.take(chat.page, f"{locale}-open")
    await chat.card.get_by_role("textbox").fill("+44 7400 123456")
    await studio.take(chat.page, f"{locale}-typed")
    await chat.frame.locator("#list-button").click()
    await chat.frame.locator("#new-button").click()
    await chat.is_live()
    await chat.card.get_by_role("textbox").fill("(201) 555-0123")
    async with held(chat.page, "**/cards/*"):
        await chat.card.get_by_role("button").click()
        await studio.take(chat.page, f"{locale}-sending")
    await chat.context.close()


async def _before(studio: Studio, locale: str) -> None:
    chat = await studio.chat(locale=locale)
    await gallery.before_the_number(studio.bot, chat)
    await studio.take(chat.page, f"{locale}-before-end")
    await _whole_thread(chat)
    await studio.take(chat.page, f"{locale}-before", height=TALL)
    await chat.context.close()


async def _after(studio: Studio, locale: str) -> None:
    chat = await studio.chat(locale=locale)
    await chat.card.get_by_role("textbox").fill("(201) 555-0123")
    await chat.card.get_by_role("button").click()
    await expect(chat.parts).to_have_count(4)
    await studio.take(chat.page, f"{locale}-done")
    await chat.context.close()
    await studio.bot.store.contacts.collection.delete_many({})
    chat = await studio.chat(locale=locale)
    await gallery.after_the_number(studio.bot, chat)
    await studio.take(chat.page, f"{locale}-after-end")
    await _whole_thread(chat)
    await studio.take(chat.page, f"{locale}-after", height=TALL)
    await chat.frame.locator("#list-button").click()
    await chat.frame.locator("#new-button").click()
    await chat.is_live()
    await chat.frame.locator("#list-button").click()
    await expect(chat.frame.locator(".conv")).to_have_count(2)
    await studio.take(chat.page, f"{locale}-list")
    await chat.context.close()
    await studio.bot.store.contacts.collection.delete_many({})


async def _since(studio: Studio, locale: str) -> None:
    chat = await studio.chat(locale=locale)
    await gallery.after_a_change_of_mind(studio.bot, chat)
    await _whole_thread(chat)
    await studio.take(chat.page, f"{locale}-since", height=TALL)
    await studio.bot.receive("+12015550123", "STOP", new_id())
    await expect(chat.cards.first.locator(".card-outcome")).to_contain_text("START")
    await studio.take(chat.page, f"{locale}-stopped", height=TALL)
    await chat.context.close()
    await studio.bot.receive("+12015550123", "START", new_id())
    await studio.bot.store.contacts.collection.delete_many({})
    await studio.bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
    chat = await studio.chat(locale=locale)
    await chat.card.get_by_role("textbox").fill("(201) 555-0125")
    await chat.card.locator(".card-button").click()
    await expect(chat.card).to_have_attribute("data-state", "pending")
    await chat.card.locator(".card-links button").first.click()
    await expect(chat.card.locator(".card-said")).to_be_visible()
    await studio.take(chat.page, f"{locale}-pending")
    await chat.context.close()
    await studio.bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": False}})
    await studio.bot.store.contacts.collection.delete_many({})


async def _whole_thread(chat: Chat) -> None:
    """The panel as high as the window, for pictures of long threads."""
    await chat.page.evaluate(
        """() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync('@media (min-width: 480px) { .panel { height: calc(100vh - 90px) !important } }');
          const root = document.getElementById('sayso').shadowRoot;
          root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
        }"""
    )


async def _trouble(studio: Studio, locale: str) -> None:
    chat = await studio.chat(locale=locale)
    await chat.context.set_offline(True)
    await chat.frame.locator("#text").fill("Do you hear me?")
    await chat.frame.locator("#text").press("Enter")
    await expect(chat.frame.locator('.unsent[data-state="failed"]')).to_have_count(1)
    await expect(chat.frame.locator("#banner")).not_to_be_empty()
    await studio.take(chat.page, f"{locale}-offline")
    await chat.page.evaluate("Sayso('update', { name: 'Somebody else' })")
    await expect(chat.frame.locator(".state-title").first).to_be_visible()
    await studio.take(chat.page, f"{locale}-failure")
    await chat.context.close()

    page = await studio.page("/demo", locale=locale, shop=True)
    async with held(page, "**/messenger/open"):
        await page.locator("#sayso .button").click()
        await expect(page.frame_locator("#sayso iframe").locator(".skeleton").first).to_be_visible()
        await studio.take(page, f"{locale}-skeleton")
    await page.context.close()


async def _pages(studio: Studio, locale: str) -> None:
    _, path = await signed_up(studio.bot, locale=locale, email="ada@example.com")
    page = await studio.page(path, locale=locale)
    await studio.take(page, f"{locale}-preferences", full=True)
    await page.locator(f"#switch-{DEALS}").click()
    await expect(page.locator(".toast")).to_be_visible()
    await studio.take(page, f"{locale}-preferences-saved", full=True)
    await studio.take(page, f"{locale}-preferences-fold", height=640)
    await page.context.set_offline(True)
    await page.locator(f"#switch-{DEALS}").click()
    await expect(page.locator(".toast--bad")).to_be_visible()
    await studio.take(page, f"{locale}-preferences-unsaved", height=900)
    await page.context.close()
    await studio.bot.store.contacts.collection.delete_many({})

    await studio.bot.store.phone_texts.collection.delete_many({})
    for number in ("+447400123456", "+12015550123"):
        body = "Harbor Coffee: You are now subscribed to Deals and new roasts. Up to 4 msgs/month. Msg & data rates "
        body += "may apply. Reply HELP for help, STOP to cancel. Manage your preferences: https://harbor.example/p/VZ4oM4xGQk9w"
        await texted(studio.bot.store, number, body, f"{number}{locale}")
        await studio.bot.phone.reply(number, "Thanks! Is the Sidamo back?", f"{number}{locale}")
    for name, path in {
        "gone": "/p/gone",
        "error": "/nowhere",
        "terms": "/demo/terms",
        "phone": "/demo/phone",
        "shop": "/demo",
    }.items():
        page = await studio.page(path, locale=locale)
        await studio.take(page, f"{locale}-{name}", full=name != "phone")
        await page.context.close()


SCENES: tuple[Callable[[Studio, str], Awaitable[None]], ...] = (
    _greeting,
    _before,
    _after,
    _since,
    _trouble,
    _pages,
)


async def photograph(store: Store, server: TestServer, bot: Bot, options: argparse.Namespace) -> None:
    path = chromium.find()
    if path is None:
        raise SystemExit(f"No browser: none of {', '.join(chromium.NAMES)} is on the PATH.")
    if options.all is None:
        options.out.mkdir(parents=True, exist_ok=True)
        async with chromium.launched(path) as browser:
            await card_picture(Studio(browser, server, bot, options.out), options.out)
            await tour.draw(Studio(browser, server, bot, options.out))
        return
    async with chromium.launched(path) as browser:
        options.all.mkdir(parents=True, exist_ok=True)
        await gallery.add_subscriptions(store)
        for locale in options.locale:
            for scene in SCENES:
                if not options.only or scene.__name__.strip("_") in options.only:
                    await scene(Studio(browser, server, bot, options.all), locale)


async def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(_env_file=None, data=Path(data), secret_key="k" * 40, form_limit=0)
        port = free_port()
        async with embedded_server(settings.data) as mongo, open_store(mongo.url, "sayso") as store:
            await store.prepare()
            await make_demo(store, f"http://127.0.0.1:{port}")
            if options.all is None:
                await tour.fill(store, settings)
            async with serving(store, settings, port) as server:
                await photograph(store, server, await make_bot(settings, store, base(server)), options)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="folder of the pictures in the docs")
    parser.add_argument("--all", type=Path, metavar="DIR", help="every state into this folder instead")
    parser.add_argument("--locale", nargs="+", default=["en", "ar"], help="languages of the full set")
    parser.add_argument("--only", nargs="+", help=f"some of {', '.join(s.__name__.strip('_') for s in SCENES)}")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
