"""Insert the form in a browser: Ada writes it, the visitor answers it, and Ben on another process watches."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from bot.config import Settings
from bot.demo import NEWS, ORDERS
from bot.store import open_store
from bot.store.embedded import EmbeddedServer
from tests.browser import axe
from tests.browser.conftest import Look, Visit
from tests.browser.desk import signed_in
from tests.browser.shop import wear
from tests.conftest import serving

TITLE = "Know where your coffee is"


@pytest.fixture
async def elsewhere(mongo: EmbeddedServer, settings: Settings, server: TestServer) -> AsyncIterator[TestServer]:
    """Another process on the same database. A test names it first, so that its pages are closed before it stops."""
    async with open_store(mongo.url, "sayso_test") as store, serving(store, settings) as running:
        yield running


async def inbox(look: Look, server: TestServer, conversation: str, email: str) -> Page:
    page = await signed_in(look, server, f"/inbox/{conversation}", email)
    await expect(page.locator("#inbox")).to_have_attribute("data-line", "live")
    return page


async def begin_form(page: Page, subscription: str = ORDERS, title: str = TITLE) -> None:
    await page.get_by_role("link", name="Opt-in form", exact=True).click()
    await expect(page.get_by_role("dialog", name="Insert an opt-in form")).to_be_visible()
    await page.get_by_label("Subscription", exact=True).select_option(subscription)
    await page.get_by_label("Title", exact=True).fill(title)
    await expect(page.locator("#form-preview .card-title")).to_have_text(title)


async def is_at_its_end(page: Page) -> None:
    await page.wait_for_function(
        "() => [document.getElementById('thread')].every((t) => t.scrollTop + t.clientHeight > t.scrollHeight - 2)"
    )


async def test_a_form_is_inserted_watched_completed_and_another_one_withdrawn(
    elsewhere: TestServer, visit: Visit, look: Look, server: TestServer
) -> None:
    chat = await visit(server)
    chat.watch.allow(r"\b422\b")
    await chat.open()
    await chat.say("Where is my order?")
    await expect(chat.sent("Where is my order?")).to_be_visible()
    id = await chat.stored()
    ada = await inbox(look, server, id, "ada@example.com")
    ben = await inbox(look, elsewhere, id, "ben@example.com")

    # The preview is the visitor's own card; the checker asks for what the chosen subscription needs.
    await ada.get_by_label("Message", exact=True).fill("We can text you")
    await begin_form(ada, NEWS)
    await expect(ada.locator("#form-checker")).to_contain_text("How to unsubscribe")
    await expect(ada.get_by_label("Legal text", exact=False)).to_have_value("")
    await expect(ada.locator("#form-preview")).not_to_contain_text("STOP")
    await expect(ada.locator("#form-preview")).to_contain_text("Email address")
    await ada.get_by_label("Subscription", exact=True).select_option(ORDERS)
    await expect(ada.locator("#form-preview")).to_contain_text("Phone number")
    await expect(ada.locator("#form-preview")).to_contain_text("STOP")
    await ada.get_by_label("Button", exact=False).fill("Text me")
    await expect(ada.locator("#form-preview .card-button")).to_contain_text("Text me")
    await expect(ada.get_by_label("Message before the form", exact=False)).to_have_value("We can text you")
    await ada.get_by_label("Save as a template").check()
    await ada.get_by_label("Template name").fill("Orders")
    await ada.get_by_role("button", name="Insert Form").click()
    await expect(ada.locator("#insert-form")).to_be_hidden()
    await expect(ada.get_by_label("Message", exact=True)).to_have_value("")

    # It is there at once, on all three pages, and each step of it is seen.
    await expect(chat.bubble("We can text you")).to_be_visible()
    await expect(chat.card.locator(".card-title")).to_have_text(TITLE)
    for page in (ada, ben):
        await expect(page.locator("#parts .sent-form")).to_have_count(2)
        *_, words, form = await page.locator("#parts .part").all()
        await expect(words.locator(".bubble")).to_have_text("We can text you")
        await expect(form.locator(".sent-form")).to_be_visible()
        await is_at_its_end(page)
    await chat.field.fill("201 55")
    await chat.press("Text me")
    for page in (ada, ben):
        await expect(page.locator(".card-progress-words").last).to_have_text(
            "Seen · opened · 1 number tried, too short"
        )
    await chat.field.fill("(201) 555-0123")
    await chat.press("Text me")
    for page in (ada, ben):
        await expect(page.locator(".card-progress-words").last).to_have_text("Signed up")
        await expect(page.locator("#parts")).not_to_contain_text("201 55")

    # Begun with the template it shows what the visitor has since: their number, and that they are signed up.
    await ben.get_by_role("link", name="Opt-in form", exact=True).click()
    await ben.get_by_text("Start from a template").click()
    await ben.locator(".form-template").click()
    await expect(ben.get_by_label("Title", exact=True)).to_have_value(TITLE)
    await expect(ben.locator("#form-preview")).to_contain_text("This person is already signed up.")
    await expect(ben.locator("#form-preview .field-text")).to_have_text("(201) 555-0123")
    await ben.get_by_label("Subscription", exact=True).select_option(NEWS)
    await ben.get_by_role("button", name="Insert Form").click()
    await expect(ben.locator("#insert-missing")).to_contain_text("How to unsubscribe")
    await expect(ben.get_by_label("Legal text", exact=False)).to_be_focused()
    await ben.get_by_role("button", name="Insert anyway").click()
    await expect(chat.card).to_have_attribute("data-state", "open")

    await expect(ada.locator("#parts .sent-form")).to_have_count(3)
    await ada.get_by_role("button", name="Withdraw").last.click()
    await expect(ben.locator(".card-progress-words").last).to_have_text("Withdrawn")
    await expect(chat.card).to_have_attribute("data-state", "closed")


async def test_the_form_has_no_fault_that_axe_finds(visit: Visit, look: Look, server: TestServer) -> None:
    chat = await visit(server)
    await chat.open()
    await chat.say("Hello")
    await expect(chat.sent("Hello")).to_be_visible()
    page = await inbox(look, server, await chat.stored(), "ada@example.com")
    address = page.url
    await begin_form(page)
    await check(page)
    await page.goto(f"{address}/form")
    await check(page)


async def check(page: Page) -> None:
    for scheme, width, height in axe.LOOKS:
        await wear(page, scheme, width, height)
        assert await axe.faults(page, scheme) == [], f"{scheme} {width}"
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
