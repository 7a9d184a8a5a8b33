"""The panel beside a conversation: an agent turns a subscription on and off, and everybody sees it at once."""

from __future__ import annotations

import re

from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from bot.app import Bot
from bot.consent.choices import preference_words
from bot.demo import DEALS, ORDERS
from bot.i18n import translator
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.event import Action, Source
from bot.model.subscription import MessageType
from bot.store import Store
from tests.browser import axe
from tests.browser.conftest import Look
from tests.browser.desk import signed_in
from tests.people import change, events_of, greeted


async def talking(bot: Bot, store: Store) -> tuple[str, str]:
    """Maya, who has a number, and her conversation."""
    time = now()
    maya = Contact(id=new_id(), name="Maya", phone="+12015550123", created_at=time, updated_at=time)
    await store.contacts.insert(maya)
    conversation, _parts = await greeted(bot.store, maya.id)
    return maya.id, conversation


async def opened(look: Look, server: TestServer, conversation: str) -> Page:
    """Ada's inbox, which hears of what happens."""
    page = await signed_in(look, server, f"/inbox/{conversation}")
    await expect(page.locator("#inbox")).to_have_attribute("data-line", "live")
    return page


async def test_what_is_turned_on_and_off_is_seen_on_both_sides(
    look: Look, server: TestServer, bot: Bot, demo_store: Store
) -> None:
    maya, conversation = await talking(bot, demo_store)
    center = await look(server, f"/p/{await bot.preferences.make_link(maya, MessageType.SMS)}")
    inbox = await opened(look, server, conversation)
    panel = inbox.locator("#panel")
    deals = panel.get_by_role("switch", name="Deals and new roasts")
    await expect(deals).to_have_attribute("aria-checked", "false")

    await deals.focus()
    await inbox.keyboard.press("Space")
    dialog = inbox.get_by_role("dialog", name="Record consent")
    await dialog.get_by_role("button", name="Record consent").click()
    await expect(dialog.get_by_text("Choose how they consented.")).to_be_visible()
    await expect(dialog.get_by_role("radio").first).to_be_focused()
    assert await axe.faults(inbox) == []
    await dialog.get_by_role("radio", name=re.compile("Verbal")).check()
    await dialog.get_by_role("button", name="Just now").click()
    await dialog.get_by_label("Note").fill("By phone")
    no = Action.OPT_OUT, Source.PREFERENCE_CENTER
    await bot.ledger.record(change(maya, "k", no[0], source=no[1], subscription=ORDERS))
    await inbox.wait_for_timeout(800)  # the line tells of it: what is being written stays
    await expect(dialog.get_by_label("Note")).to_have_value("By phone")
    await dialog.get_by_role("button", name="Record consent").click()
    await expect(deals).to_have_attribute("aria-checked", "true")
    await expect(deals).to_be_focused()
    await expect(panel.locator("strong", has_text="Ada recorded verbal consent")).to_be_visible()
    await expect(panel.get_by_role("switch", name="Order updates")).to_have_attribute("aria-checked", "false")

    await inbox.wait_for_timeout(800)  # the line tells of it: what was said of the press stays
    await expect(panel.get_by_role("status")).to_contain_text("this subscription requires written consent")

    # Nothing is sent on a spoken yes: the switch is off, and there is a button to decline it.
    theirs = center.get_by_role("switch", name="Deals and new roasts")
    await expect(theirs).to_have_attribute("aria-checked", "false")
    await center.get_by_role("button", name="Decline").click()
    await expect(deals).to_have_attribute("aria-checked", "false")
    await expect(deals).to_be_focused()
    await expect(panel.locator(".cp-history")).to_contain_text("Opted out from the preference center")
    assert [e.source for e in await events_of(demo_store, maya)] == [no[1], Source.PROFILE, no[1]]


async def test_what_was_read_of_the_history_stays_when_something_new_comes(
    look: Look, server: TestServer, bot: Bot, demo_store: Store
) -> None:
    maya, conversation = await talking(bot, demo_store)
    for i in range(44):
        await bot.ledger.record(change(maya, str(i), Action.OPT_OUT if i % 2 else Action.OPT_IN))
    inbox = await opened(look, server, conversation)
    entries, more = inbox.locator(".cp-entry"), inbox.get_by_role("link", name="Show earlier")
    await more.click()
    await expect(entries).to_have_count(40)
    await bot.ledger.record(change(maya, "new", subscription=ORDERS))
    await expect(entries).to_have_count(41)
    await more.click()
    await expect(entries).to_have_count(45)
    await expect(more).to_have_count(0)
    found = await entries.evaluate_all("all => all.map((entry) => Number(entry.dataset.seq))")
    assert found == sorted(set(found), reverse=True)
    assert await inbox.evaluate("document.documentElement.scrollHeight <= innerHeight"), (
        "the panel scrolls, not the page"
    )


async def test_the_focus_stays_in_the_history_when_something_new_comes(
    look: Look, server: TestServer, bot: Bot, demo_store: Store
) -> None:
    maya, conversation = await talking(bot, demo_store)
    deals = await demo_store.subscriptions.get(DEALS)
    assert deals
    for i in range(44):
        action = Action.OPT_OUT if i % 2 else Action.OPT_IN
        await bot.ledger.record(change(maya, str(i), action, words=preference_words(deals, translator("en"))))
    inbox = await opened(look, server, conversation)
    entries, more = inbox.locator(".cp-entry"), inbox.get_by_role("link", name="Show earlier")
    await more.click()
    await expect(entries).to_have_count(40)
    for i, place in enumerate((more, *(inbox.locator(f'[data-seq="{seq}"] summary') for seq in (40, 9)))):
        await place.focus()
        await bot.ledger.record(
            change(maya, f"new {i}", Action.OPT_OUT if i % 2 else Action.OPT_IN, subscription=ORDERS)
        )
        await expect(entries).to_have_count(41 + i)
        await expect(place).to_be_focused()


async def test_opting_out_asks_first_and_a_no_asks_for_newer_consent(
    look: Look, server: TestServer, bot: Bot, demo_store: Store
) -> None:
    maya, conversation = await talking(bot, demo_store)
    await bot.ledger.record(change(maya, "yes"))
    inbox = await opened(look, server, conversation)
    panel = inbox.locator("#panel")
    deals, orders = (panel.get_by_role("switch", name=n) for n in ("Deals", "Order updates"))
    sure = inbox.get_by_role("dialog", name="Opt them out?")
    await deals.click()
    await sure.get_by_role("link", name="Keep as is").click()
    await expect(sure).to_be_hidden()
    await expect(deals).to_have_attribute("aria-checked", "true")
    await panel.get_by_role("button", name="Opt out of all texts").click()
    assert await axe.faults(inbox) == []
    await sure.get_by_role("button", name="Opt out").click()
    for switch in (deals, orders):
        await expect(switch).to_have_attribute("aria-checked", "false")
    await expect(panel.get_by_role("button", name="Opt out of all texts")).to_have_count(0)

    await deals.click()
    dialog = inbox.get_by_role("dialog", name="Record consent")
    await dialog.get_by_role("radio", name=re.compile("On paper")).check()
    await dialog.get_by_label("When did they consent?").fill("2026-01-02T10:00")
    await dialog.get_by_role("button", name="Record consent").click()
    await expect(dialog.get_by_text("This person opted out after that.")).to_be_visible()
    await expect(dialog.get_by_label("When did they consent?")).to_be_focused()
    assert await axe.faults(inbox) == []
    assert len(await events_of(demo_store, maya)) == 3


async def test_a_press_that_reaches_nobody_says_so(look: Look, server: TestServer, bot: Bot, demo_store: Store) -> None:
    _maya, conversation = await talking(bot, demo_store)
    allowed = ("ERR_INTERNET_DISCONNECTED", "WebSocket", "Failed to fetch", "htmx:")
    inbox = await signed_in(look, server, f"/inbox/{conversation}", allow=allowed)
    switch = inbox.locator("#panel").get_by_role("switch").first
    await expect(switch).to_be_visible()
    await expect(inbox.locator("#inbox")).to_have_attribute("data-line", "live")
    await inbox.wait_for_load_state("networkidle")  # the panel is read again once the page is live
    await inbox.context.set_offline(True)
    await switch.click()
    await expect(inbox.locator("#said")).to_contain_text("Can't reach the server")
    await inbox.context.set_offline(False)
    await inbox.wait_for_function("() => fetch('/healthz').then((answer) => answer.ok, () => false)")
    await switch.click()
    await expect(inbox.get_by_role("dialog", name="Record consent")).to_be_visible()
    await expect(inbox.locator("#said")).to_be_empty()


async def test_what_the_server_says_is_wrong_outlasts_the_next_answer(
    look: Look, server: TestServer, bot: Bot, demo_store: Store
) -> None:
    maya, conversation = await talking(bot, demo_store)
    inbox = await signed_in(look, server, f"/inbox/{conversation}", allow=("404", "htmx:"))
    switch = inbox.locator("#panel").get_by_role("switch", name="Deals")
    await expect(switch).to_be_visible()
    await inbox.route("**/opt-in/**", lambda route: route.fulfill(status=404, json={"errors": [{"message": "Gone."}]}))
    await switch.click()
    await expect(inbox.locator("#said")).to_have_text("Gone.")
    await bot.ledger.record(change(maya, "k"))
    await expect(switch).to_have_attribute("aria-checked", "true")
    await expect(inbox.locator("#said")).to_have_text("Gone.")
