"""Beside the editor: a flow is tried before it is published, met by a visitor, and rolled back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from bot.app import Bot
from bot.demo import DEALS
from bot.model.teammate import By
from tests.browser.axe import faults, fits
from tests.browser.conftest import Look, Visit
from tests.browser.desk import signed_in

pytestmark = pytest.mark.browser

ADA = By("ada", "Ada")
ASK = {"kind": "ask", "id": "roast", "text": "Which roast?", "answer": "choice",
       "choices": [{"id": "dark", "label": "Dark"}, {"id": "light", "label": "Light"}]}  # fmt: skip
FORM = {"kind": "opt_in_form", "id": "form", "subscription": DEALS, "title": "Get our deals"}
BYE = {"kind": "say", "id": "bye", "text": "Enjoy your {{roast}}!"}


def file(*steps: dict[str, Any]) -> str:
    return json.dumps(
        {"name": "Roasts", "triggers": [{"kind": "words_in_message", "words": ["beans"]}], "steps": [*steps]}
    )


async def test_a_flow_is_tried_published_met_and_rolled_back(
    look: Look, server: TestServer, bot: Bot, visit: Visit
) -> None:
    flow = await bot.flows.create(file(ASK, FORM, BYE), ADA)
    before = await bot.store.conversations.count_about()
    page = await signed_in(look, server, f"/bots/{flow.id}")
    await page.locator("#try > summary").click()
    chat, status = page.frame_locator("#try-frame"), page.locator("#try-status")
    await expect(page.locator(".flow-step[aria-current] > .flow-head")).to_contain_text("Which roast?")
    await chat.get_by_role("button", name="Dark").click()
    await expect(page.locator(".flow-step[aria-current] > .flow-head")).to_contain_text("Get our deals")
    await chat.get_by_label("Phone number", exact=True).fill("123")
    await chat.get_by_role("button", name="Sign Up Now").click()
    await expect(chat.locator(".card-error")).to_be_visible()
    await fits(page)
    frame = page.frame(url=lambda url: "/bots/-/try" in url)
    assert frame
    assert await faults(frame) == []
    await chat.get_by_label("Phone number", exact=True).fill("(201) 555-0123")
    await chat.get_by_role("button", name="Sign Up Now").click()
    await expect(chat.locator(".bubble").last).to_have_text("Enjoy your Dark!")
    await expect(status).to_have_text("The flow has ended.")
    await expect(page.locator(".flow-step[aria-current]")).to_have_count(0)
    await page.get_by_label("Visitor").select_option("saved")
    await expect(chat.locator(".bubble")).to_have_text(["Which roast?"])
    assert await bot.store.conversations.count_about() == before

    await page.locator("#publish-open").click()
    await page.get_by_role("button", name="Publish and put live").click()
    await expect(page.locator("#said")).to_contain_text("Version 1 is published.")
    bot.runs.scripts.live.cache_clear()
    shop = await visit(server)
    await shop.open()
    await shop.say("Do you have beans?")
    await expect(shop.bubble("Which roast?")).to_be_visible()

    # Refused, because another version was published meanwhile, the note stays.
    draft = await bot.flow_drafts.get(flow.id)
    await bot.flow_drafts.save(flow.id, file(ASK, BYE), draft.revision, ADA)
    await page.reload()
    dialog, note = page.get_by_role("dialog", name="Publish this flow"), page.get_by_label("What changed")
    await page.locator("#publish-open").click()
    await note.fill("Without a form")
    await bot.flows.publish(flow.id, file(FORM, ASK), ADA, note="Asks later")
    await dialog.get_by_role("button", name="Publish").click()
    await expect(page.locator("#said")).to_contain_text("Not published: version 2 is newer than this draft.")
    await page.locator("#publish-open").click()
    await expect(dialog.get_by_role("button", name="Publish anyway")).to_be_visible()
    await expect(note).to_have_value("Without a form")
    await fits(page)
    await page.goto(f"{page.url.partition('/bots/')[0]}/bots/{flow.id}/versions/2")
    await expect(page.locator(".flow-change")).to_have_count(2)
    await fits(page)
    await page.get_by_role("link", name="All versions").click()
    await fits(page)
    await page.locator("summary", has_text="Roll back").click()
    await page.get_by_role("button", name="Roll back").click()
    await expect(page.locator("#said")).to_contain_text("Version 3 is published.")
    await expect(page.get_by_text("Restored version 1")).to_be_visible()
    await page.goto(page.url.replace("/versions", "/map"))
    await expect(page.locator("svg.map")).to_be_visible()
    await fits(page)
    for path in ("new", "import"):
        await page.goto(f"{page.url.partition('/bots/')[0]}/bots/-/{path}")
        await fits(page)
    await bot.flows.set_state(flow.id, "paused", ADA)
