"""The preference center in a browser: with and without JavaScript, by keyboard, and when the line is gone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, Route, expect

from bot.app import Bot
from bot.demo import DEALS, NEWS, ORDERS
from bot.model.contact import Contact
from bot.store import Store
from tests.browser.conftest import Look
from tests.browser.people import signed_up
from tests.browser.shop import base, hold_answers
from widget.web.http import BOT


@pytest.mark.parametrize("has_script", [False, True])
async def test_choices_are_changed_and_kept(
    look: Look, server: TestServer, bot: Bot, demo_store: Store, has_script: bool
) -> None:
    contact, path = await signed_up(bot)
    page = await look(server, path, java_script_enabled=has_script)
    deals = page.get_by_role("switch", name="Deals and new roasts")
    orders = page.get_by_role("switch", name="Order updates")
    await expect(deals).to_have_attribute("aria-checked", "true")
    await expect(page.get_by_text("Sent to")).to_contain_text("0123")
    assert "555" not in await page.locator("body").inner_text()

    await deals.press("Enter")
    await expect(deals).to_have_attribute("aria-checked", "false")
    await expect(page.get_by_role("status")).to_contain_text("You're unsubscribed from Deals and new roasts.")
    if has_script:
        await expect(deals).to_be_focused()
    assert await _state(demo_store, contact, DEALS) == "opted_out"

    await deals.click()
    await expect(deals).to_have_attribute("aria-checked", "true")
    await expect(page.get_by_role("status")).to_contain_text("You're subscribed to Deals and new roasts.")
    assert await _state(demo_store, contact, DEALS) == "opted_in"

    await page.get_by_role("button", name="Unsubscribe from all SMS").click()
    await expect(page.get_by_role("status")).to_contain_text("You're unsubscribed from all texts.")
    for switch in (deals, orders):
        await expect(switch).to_have_attribute("aria-checked", "false")
    await expect(page.get_by_role("button", name="Unsubscribe from all SMS")).to_have_count(0)
    assert [await _state(demo_store, contact, id) for id in (DEALS, ORDERS)] == ["opted_out", "opted_out"]
    assert await _state(demo_store, contact, NEWS) is None


async def test_the_same_switch_pressed_twice_in_two_windows_is_one_change(
    look: Look, server: TestServer, bot: Bot, demo_store: Store
) -> None:
    contact, path = await signed_up(bot)
    one, two = [await _deaf(look, server, path) for _ in range(2)]
    for page in (one, two):
        switch = page.get_by_role("switch", name="Deals and new roasts")
        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "false")
        await expect(page.get_by_role("status")).to_contain_text("unsubscribed from")
    events = await demo_store.events.after(contact.id, 0, limit=9)
    assert [event.action for event in events] == ["opt_in", "opt_out"]


async def test_a_change_that_did_not_get_through_is_told(look: Look, server: TestServer, bot: Bot) -> None:
    _, path = await signed_up(bot)
    page = await look(server, path, allow=("ERR_INTERNET_DISCONNECTED", "request failed: POST", "htmx:"))
    switch = page.get_by_role("switch", name="Deals and new roasts")
    await page.context.set_offline(True)
    await switch.click()
    await expect(page.get_by_role("status")).to_have_text("Couldn't save. Check your connection and try again.")
    await expect(switch).to_have_attribute("aria-checked", "true")
    await page.context.set_offline(False)
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "false")
    await expect(page.get_by_role("status")).to_contain_text("unsubscribed from")


async def test_a_subscription_archived_meanwhile_is_told(look: Look, server: TestServer, bot: Bot) -> None:
    _, path = await signed_up(bot)
    page = await _deaf(look, server, path, allow=(r"\b422\b",))
    await bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"state": "archived"}})
    await page.get_by_role("switch", name="Deals and new roasts").click()
    await expect(page.get_by_role("status")).to_contain_text("no longer available")
    await expect(page.get_by_role("switch")).to_have_count(1)


async def test_a_link_that_is_gone_says_what_to_do(look: Look, server: TestServer, bot: Bot) -> None:
    contact, path = await signed_up(bot)
    await bot.preferences.revoke(contact.id)
    page = await look(server, path, allow=(r"\b404\b",))
    await expect(page.get_by_role("heading", level=1)).to_have_text("This link has expired")
    await expect(page.get_by_role("main")).to_contain_text(re.compile("Reply STOP to any of our texts"))


async def _deaf(look: Look, server: TestServer, path: str, **options: Any) -> Page:
    """A page without its live line, as behind a proxy that knows none: it shows what it was loaded with."""
    page = await look(server, "/demo/terms", **options)
    await page.route_web_socket(re.compile("/live$"), lambda socket: None)
    await page.goto(base(server) + path)
    return page


async def _state(store: Store, contact: Contact, subscription: str) -> str | None:
    found = await store.contacts.get(contact.id)
    consent = found.consent(subscription) if found else None
    return consent.state.value if consent else None


async def test_what_another_tab_and_the_phone_change_shows_live(look: Look, server: TestServer, bot: Bot) -> None:
    """And the page says so; its own presses it does not tell of as somebody else's."""
    _, path = await signed_up(bot)
    one, two = await look(server, path), await look(server, path)
    deals = one.get_by_role("switch", name="Deals and new roasts")
    orders = one.get_by_role("switch", name="Order updates")
    await orders.focus()
    await two.get_by_role("switch", name="Deals and new roasts").click()
    await expect(deals).to_have_attribute("aria-checked", "false")
    await expect(one.get_by_role("status")).to_contain_text("changed elsewhere")
    await expect(orders).to_be_focused()
    await expect(two.get_by_role("status")).to_contain_text("unsubscribed from")
    await two.wait_for_timeout(500)
    await expect(two.get_by_role("status")).not_to_contain_text("elsewhere")

    # What happens elsewhere takes nobody's way back.
    await orders.click()
    await expect(two.get_by_role("status")).to_contain_text("elsewhere")
    await two.get_by_role("button", name="Undo").click()
    await expect(deals).to_have_attribute("aria-checked", "true")
    await expect(two.get_by_role("status")).to_have_text("Your previous preferences are restored.")
    await expect(two.get_by_role("status")).to_be_focused()

    # STOP from the phone: nothing can be turned on until its START.
    await server.app[BOT].receive("+12015550123", "STOP", "t1")
    for page in (one, two):
        await expect(page.get_by_text("text START from this number")).to_be_visible()
        await expect(page.get_by_role("switch", name="Deals and new roasts")).to_have_attribute("aria-checked", "false")
    await server.app[BOT].receive("+12015550123", "START", "t2")
    await expect(one.get_by_text("text START from this number")).to_be_hidden()


async def test_what_is_told_while_a_press_is_on_its_way_is_shown_after_it(
    look: Look, server: TestServer, bot: Bot
) -> None:
    """The answer to the press was drawn before the other change, and arrives after it was told."""
    _, path = await signed_up(bot)
    page, other = await look(server, path), await look(server, path)

    async def late(route: Route) -> None:
        answer = await route.fetch()
        await other.get_by_role("switch", name="Order updates").click()
        await page.wait_for_timeout(800)
        await route.fulfill(response=answer)

    await page.route("**" + path, lambda route: late(route) if route.request.method == "POST" else route.continue_())
    await page.get_by_role("switch", name="Deals and new roasts").click()
    for name in ("Deals and new roasts", "Order updates"):
        await expect(page.get_by_role("switch", name=name)).to_have_attribute("aria-checked", "false")


async def test_two_presses_at_once_leave_the_page_live(look: Look, server: TestServer, bot: Bot) -> None:
    """The answer to the first takes the second one's switch away while that is on its way."""
    _, path = await signed_up(bot)
    page, other = await look(server, path), await look(server, path)
    deals, orders = (page.get_by_role("switch", name=n) for n in ("Deals and new roasts", "Order updates"))
    gates = await hold_answers(page, "**" + path, 2)
    await deals.click()
    await orders.click()
    for gate in gates:
        async with page.expect_response(lambda answer: answer.request.method == "POST"):
            gate.set()
    for switch in (deals, orders):
        await expect(switch).to_have_attribute("aria-checked", "false")
    theirs = other.get_by_role("switch", name="Deals and new roasts")
    await expect(theirs).to_have_attribute("aria-checked", "false")
    await theirs.click()
    await expect(deals).to_have_attribute("aria-checked", "true")


async def test_a_page_that_lost_its_line_shows_what_it_missed(look: Look, server: TestServer, bot: Bot) -> None:
    _, path = await signed_up(bot)
    page = await look(server, path, allow=("ERR_INTERNET_DISCONNECTED", "WebSocket"))
    deals = page.get_by_role("switch", name="Deals and new roasts")
    await page.wait_for_timeout(300)
    await page.context.set_offline(True)
    await page.evaluate("window.dispatchEvent(new Event('offline'))")
    await server.app[BOT].receive("+12015550123", "STOP", "t1")
    await page.context.set_offline(False)
    await expect(deals).to_have_attribute("aria-checked", "false")
