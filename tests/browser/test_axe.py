"""Every page and every state of the card: no violation that axe-core can find, and nothing wider than the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Frame, Page, expect

from bot.app import Bot
from bot.demo import DEALS
from tests.browser import axe, gallery
from tests.browser.conftest import Look, Visit
from tests.browser.people import signed_up
from tests.browser.shop import Chat, base, wear
from tests.people import texted

LOCALES = ("en", "ar")
WIDER = """() => [...document.querySelectorAll('body *')]
  .filter((node) => node.getClientRects().length && !node.closest('.unseen, .hero-art, svg'))
  .map((node) => [node, node.getBoundingClientRect()])
  .filter(([, { left, right }]) => left < -1 || right > innerWidth + 1)
  .map(([node]) => `${node.tagName}.${node.className}`)"""


async def check(page: Page, *places: Callable[[], Awaitable[Page | Frame]], direction: str = "ltr") -> None:
    found: list[str] = []
    for scheme, width, height in axe.LOOKS:
        await wear(page, scheme, width, height)
        name = f"{scheme} {width} px"
        for at in places:
            place = await at()
            found += [f"{name}: {fault}" for fault in await axe.faults(place, scheme)]
            found += [f"{name}: wider than the screen: {wide}" for wide in await place.evaluate(WIDER)]
    assert found == []
    for at in places:
        assert await (await at()).evaluate("document.documentElement.dir || 'ltr'") == direction


def direction_of(locale: str) -> str:
    return "rtl" if locale == "ar" else "ltr"


async def opened(visit: Visit, server: TestServer, locale: str) -> Chat:
    chat = await visit(server, {"locale": locale}, locale=locale)
    chat.watch.allow(r"\b409\b", r"\b422\b")
    await chat.launcher_button.click()
    await chat.is_live()
    return chat


@pytest.mark.parametrize("locale", LOCALES)
async def test_cards_before_the_number(visit: Visit, server: TestServer, bot: Bot, locale: str) -> None:
    await gallery.add_subscriptions(bot.store)
    chat = await opened(visit, server, locale)
    await gallery.before_the_number(bot, chat)
    await check(chat.page, chat.inside, direction=direction_of(locale))


@pytest.mark.parametrize("locale", LOCALES)
async def test_cards_after_the_number(visit: Visit, server: TestServer, bot: Bot, locale: str) -> None:
    await gallery.add_subscriptions(bot.store)
    chat = await opened(visit, server, locale)
    await gallery.after_the_number(bot, chat)
    await check(chat.page, chat.inside, direction=direction_of(locale))


@pytest.mark.parametrize("locale", LOCALES)
async def test_cards_after_a_change_of_mind(visit: Visit, server: TestServer, bot: Bot, locale: str) -> None:
    chat = await opened(visit, server, locale)
    await gallery.after_a_change_of_mind(bot, chat)
    await check(chat.page, chat.inside, direction=direction_of(locale))
    await bot.receive("+12015550123", "STOP", "stop")
    await expect(chat.cards.first.locator(".card-outcome")).to_contain_text("START")
    await check(chat.page, chat.inside, direction=direction_of(locale))


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_list_of_conversations(visit: Visit, server: TestServer, bot: Bot, locale: str) -> None:
    chat = await opened(visit, server, locale)
    await chat.stored()
    await chat.frame.locator("#list-button").click()
    await chat.frame.locator("#new-button").click()
    await chat.is_live()
    await chat.stored()
    await chat.frame.locator("#list-button").click()
    await expect(chat.frame.locator(".conv")).to_have_count(2)
    await check(chat.page, chat.inside, direction=direction_of(locale))


async def test_the_shop_with_the_chat_open_and_closed(visit: Visit, server: TestServer) -> None:
    async def shop() -> Page:
        return chat.page

    chat = await visit(server)
    await expect(chat.launcher).to_be_visible()
    await check(chat.page, shop)
    await chat.open()
    await check(chat.page, shop)


async def test_a_chat_that_is_offline_or_did_not_load(visit: Visit, server: TestServer) -> None:
    chat = await visit(server)
    chat.watch.allow("ERR_INTERNET_DISCONNECTED", "request failed: POST")
    await chat.open()
    await chat.context.set_offline(True)
    await chat.say("Do you hear me?")
    await expect(chat.frame.locator(".unsent-state")).to_contain_text("Not sent.")
    await expect(chat.frame.locator("#banner")).not_to_be_empty()
    await check(chat.page, chat.inside)
    await chat.page.evaluate("Sayso('update', { name: 'Somebody else' })")
    await expect(chat.frame.locator(".state-title").first).to_have_text("Couldn't load")
    await check(chat.page, chat.inside)


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_preference_center(look: Look, server: TestServer, bot: Bot, locale: str) -> None:
    _, path = await signed_up(bot, locale=locale, email="ada@example.com")
    page = await look(server, path, locale=locale)

    async def whole() -> Page:
        return page

    await check(page, whole, direction=direction_of(locale))
    await page.locator(f"#switch-{DEALS}").click()
    await expect(page.locator(".toast")).to_be_visible()
    await check(page, whole, direction=direction_of(locale))


@pytest.mark.parametrize("locale", LOCALES)
async def test_other_pages(look: Look, server: TestServer, bot: Bot, locale: str) -> None:
    for number in ("+12015550123", "+447400123456"):
        await texted(bot.store, number, "Harbor Coffee: https://harbor.example/" + "long/" * 12, number)
        await bot.phone.reply(number, "Yes, please", number)

    async def whole() -> Page:
        return page

    page = await look(server, "/p/gone", locale=locale, allow=(r"\b404\b",))
    await check(page, whole, direction=direction_of(locale))
    for path in ("/nowhere", "/demo", "/demo/phone", "/demo/terms"):
        await page.goto(base(server) + path)
        await check(page, whole, direction=direction_of(locale))
