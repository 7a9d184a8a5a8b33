"""Double opt-in in a browser: the card waits, the simulated phone says YES, and the open card is done."""

from __future__ import annotations

from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from bot.demo import DEALS
from bot.store import Store
from tests.browser import axe
from tests.browser.conftest import Visit
from tests.browser.shop import wear


async def test_the_phone_says_yes_and_the_card_is_done(visit: Visit, server: TestServer, demo_store: Store) -> None:
    await demo_store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
    chat = await visit(server)
    chat.watch.allow(r"\b422\b")
    await chat.open()
    await chat.sign_up("(201) 555-0123")
    await expect(chat.card).to_have_attribute("data-state", "pending")
    await expect(chat.card.get_by_role("heading")).to_have_text("Reply YES to finish")
    await expect(chat.frame.locator(".event")).to_have_text("Pending. Reply YES to our text to confirm.")
    for scheme, width, height in axe.LOOKS:
        await wear(chat.page, scheme, width, height)
        assert await axe.faults(await chat.inside(), scheme) == []
    await chat.card.get_by_role("button", name="Resend").click()
    await expect(chat.card.locator(".card-said")).to_have_text("We just texted you. It can take a minute to arrive.")
    await expect(chat.card.locator(".card-said")).to_be_focused()
    await chat.card.get_by_role("button", name="Use a different number").click()
    await expect(chat.field).to_be_focused()
    await chat.sign_up("(201) 555-0124")
    await expect(chat.card).to_have_attribute("data-state", "pending")
    await expect(chat.card).to_contain_text("(201) 555-0124")
    phone = await chat.tab("/demo/phone?number=%2B12015550124")
    await expect(phone.locator(".text").last).to_contain_text("Reply YES to get Deals and new roasts")
    await phone.get_by_role("button", name="YES", exact=True).click()
    await expect(phone.locator(".text").last).to_contain_text("You are now subscribed")
    await expect(chat.card).to_have_attribute("data-state", "completed")
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
    await expect(chat.bubble("HARBOR10")).to_be_visible()
    contact = (await demo_store.contacts.with_number("+12015550124", after="", limit=1))[0]
    consent = contact.consent(DEALS)
    assert consent
    assert consent.state == "opted_in"
