"""The demo phone: what is sent appears while it is open, and one can answer."""

from __future__ import annotations

from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from bot.app import Bot
from tests.browser.conftest import Look
from tests.people import texted


async def test_texts_appear_while_it_is_open_and_can_be_answered(look: Look, server: TestServer, bot: Bot) -> None:
    page = await look(server, "/demo/phone")
    await expect(page.get_by_role("main")).to_contain_text("No texts yet.")
    await texted(bot.store, "+12015550123", "Harbor Coffee: hello", "t1")
    await expect(page.get_by_role("region", name="Texts")).to_contain_text("Harbor Coffee: hello")
    numbers = page.get_by_role("navigation", name="Numbers")
    await expect(numbers.get_by_role("link", name="(201) 555-0123")).to_have_attribute("aria-current", "page")

    await page.get_by_role("button", name="STOP").click()
    await expect(page.locator(".text--mine")).to_contain_text("STOP")
    await expect(page.locator(".text").last).to_contain_text("You are unsubscribed")
    first, mine, answer = [text.body for text in await bot.phone.texts("+12015550123")]
    assert (first, mine) == ("Harbor Coffee: hello", "STOP")
    assert "Reply START to allow texts again." in answer

    await texted(bot.store, "+447400123456", "Harbor Coffee: hello over there", "t2")
    await numbers.get_by_role("link", name="+44 7400 123456").click()
    await expect(page.get_by_role("region", name="Texts")).to_contain_text("hello over there")
    await expect(page.locator(".text--mine")).to_have_count(0)
