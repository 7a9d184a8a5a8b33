"""A chat message in a browser: written with a form, met in the shop, completed there, and seen in the report."""

from __future__ import annotations

import re

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from bot.app import Bot
from bot.demo import DEALS
from bot.model.outbound_message import ChatTerms
from bot.model.teammate import By
from tests.browser.conftest import Look, Visit
from tests.browser.desk import signed_in
from tests.browser.test_outbound import fits, opened_by_ben
from tests.conftest import eventually
from widget.web.http import BOT

ADA = By("ada", "Ada")
pytestmark = pytest.mark.browser


async def test_a_message_with_a_form_goes_from_the_composer_to_the_shop(
    look: Look, visit: Visit, server: TestServer, bot: Bot
) -> None:
    chat = await visit(server)
    await chat.open()
    conversation = await chat.stored()

    async def is_seen() -> bool:
        kept = await bot.store.conversations.get(conversation)
        return kept is not None and kept.seen == kept.last

    await eventually(is_seen)
    await chat.launcher.click()

    page = await signed_in(look, server, "/outbound")
    await page.get_by_role("button", name="New chat message").click()
    await expect(page).to_have_url(re.compile(r"/outbound/[0-9a-f]{24}$"))
    preview, saved = page.locator(".chat-preview"), page.locator(".outbound-saved")
    await page.get_by_label("Message", exact=True).fill("Hi {{first_name|there}}, deals by text?")
    await expect(preview).to_contain_text("Hi Maya, deals by text?")
    await expect(saved).to_contain_text("Saved")

    await page.get_by_role("link", name="Insert an opt-in form").click()
    dialog = page.get_by_role("dialog", name="Insert an opt-in form")
    await dialog.get_by_label("Subscription", exact=True).select_option(DEALS)
    await dialog.get_by_label("Title").fill("Weekly deals")
    await expect(dialog.locator(".card-title")).to_have_text("Weekly deals")
    await dialog.get_by_role("button", name="Insert Form").click()
    await expect(dialog).to_be_hidden()
    await expect(preview.locator(".card-title")).to_have_text("Weekly deals")
    await expect(page.locator(".outbound-total")).to_have_text("1 person would get it now.")
    await fits(page)

    # Another teammate opens it: both see it, and a change by one reaches the other.
    ben = await opened_by_ben(look, server, bot, page)
    await ben.get_by_label("Name", exact=True).fill("Deals by text")
    await expect(page.locator("#newer")).to_contain_text("Someone else changed this message.")
    await ben.close()
    await page.reload()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Deals by text")
    await expect(page.locator("#also-here")).to_have_text("")

    # Those who are online get it at once: a badge tells of it.
    await page.get_by_role("radio", name="Now").check()
    await page.get_by_role("button", name="Start showing").click()
    await expect(page.locator("#delivery [role=status]")).to_have_text("Running")
    await expect(chat.page.locator("#sayso .badge")).to_have_text("2")
    await chat.open()
    await expect(chat.bubble("Hi there, deals by text?")).to_be_visible()
    await expect(chat.card.locator(".card-title")).to_have_text("Weekly deals")
    results = page.locator(".outbound-results li")
    await expect(results.filter(has_text="Shown")).to_contain_text("1")
    await expect(results.filter(has_text="Signed up")).to_contain_text("0")

    await chat.sign_up("(201) 555-0123")
    await expect(chat.card).to_have_attribute("data-state", "completed")
    await expect(results.filter(has_text="Signed up")).to_contain_text("1")
    await fits(page)

    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator("#delivery [role=status]")).to_have_text("Paused")

    # Another one is dismissed with the keyboard, in all tabs, for good.
    theirs = server.app[BOT]
    draft = await theirs.outbound.create("News", ADA, chat=ChatTerms(at_once=True))
    draft = await theirs.outbound.save(draft.id, draft.version, {"texts": {"en": "New in our shop"}}, ADA)
    message = await theirs.chat_messages.start(draft.id, draft.version, ADA)
    await expect(chat.bubble("New in our shop")).to_be_visible()
    dismiss = chat.frame.get_by_role("button", name="Dismiss message")
    await expect(dismiss).to_have_count(1)  # a form that was completed stays
    box = await dismiss.bounding_box()
    assert box
    assert box["height"] >= 44
    await dismiss.focus()
    await chat.page.keyboard.press("Enter")
    await expect(chat.bubble("New in our shop")).to_have_count(0)
    await expect(chat.frame.locator("#text")).to_be_focused()
    await chat.page.reload()
    await chat.open()
    await expect(chat.card).to_have_attribute("data-state", "completed")
    await expect(chat.bubble("New in our shop")).to_have_count(0)
    await page.goto(str(server.make_url(f"/outbound/{message.id}")))
    await expect(results.filter(has_text="Dismissed by the person")).to_contain_text("1")
