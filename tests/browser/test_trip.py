"""The main job in a real browser: asked in chat, yes, kept, changed; the shop and Sayso on two sites."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect

from bot.consent.numbers import national
from bot.demo import DEALS
from bot.model.contact import Consent, ConsentState, Contact
from bot.store import Store
from tests.browser import chromium
from tests.browser.conftest import Visit
from tests.browser.shop import Chat, Shop, Watch, base
from tests.conftest import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def browser(whole_browser: Browser) -> Browser:
    return whole_browser


TITLE = "Sign up to our SMS deals to get 10% off"
KEEPS = """() => {
  const kept = (store) => {
    try { store().setItem('x', '1'); return store().getItem('x'); } catch (error) { return error.name; }
  };
  document.cookie = 'x=1';
  document.cookie = 'y=1; SameSite=None; Secure';
  return [document.cookie, kept(() => localStorage), kept(() => sessionStorage)];
}"""


@pytest.mark.parametrize(
    ("typed", "number", "motion"),
    [("(201) 555-0123", "+12015550123", "no-preference"), ("+44 7400 123456", "+447400123456", "reduce")],
)
async def test_a_visitor_signs_up_turns_it_off_and_signs_up_again(
    visit: Visit, server: TestServer, demo_store: Store, typed: str, number: str, motion: str
) -> None:
    chat = await visit(server, reduced_motion=motion)
    await take_the_trip(chat, demo_store, typed, number)
    assert (await (await chat.inside()).evaluate(KEEPS))[0] == "", (
        "the browser let a frame of another site keep cookies"
    )


@pytest.mark.parametrize("is_open", [False, True])
async def test_the_trip_needs_nothing_that_a_browser_may_refuse(
    chromium_path: str, profile_folder: Path, server: TestServer, demo_store: Store, shop: Shop, is_open: bool
) -> None:
    async with chromium.profiled(chromium_path, profile_folder, is_open=is_open) as context:
        page, watch = context.pages[0], Watch()
        watch.over(page)
        await page.goto(shop.address(base(server), {}))
        chat = Chat(page, watch, base(server))
        await chat.open()
        kept = await (await chat.inside()).evaluate(KEEPS)
        assert kept == (["y=1", "1", "1"] if is_open else ["", "SecurityError", "SecurityError"])
        await take_the_trip(chat, demo_store, "(201) 555-0123", "+12015550123", is_open=True)
        assert watch.unexpected == []


async def take_the_trip(chat: Chat, store: Store, typed: str, number: str, *, is_open: bool = False) -> None:
    if not is_open:
        await expect(chat.launcher).to_be_visible()
        await chat.launcher.click()

    # The bot greets, and asks.
    await expect(chat.bubble("welcome to Harbor Coffee")).to_be_visible()
    card = chat.card
    await expect(card.get_by_role("heading")).to_have_text(TITLE)
    for name in ("Terms", "Privacy"):
        href = f"http://sayso.test/demo/{name.lower()}"
        await expect(card.get_by_role("link", name=name)).to_have_attribute("href", href)
    await chat.field.press_sequentially(typed)
    await card.get_by_role("button", name="Sign Up Now").click()

    # Yes, and for which number; the bot goes on.
    await expect(card.get_by_role("heading")).to_have_text("You're signed up")
    await expect(card).to_contain_text(national(number))
    await expect(chat.bubble("Your code HARBOR10")).to_be_visible()
    assert (await _stands(store)).state is ConsentState.OPTED_IN

    # The text on the phone leads to the preference center.
    phone = await chat.tab("/demo/phone")
    text = phone.get_by_role("listitem").filter(has_text="You are now subscribed to Deals and new roasts")
    await expect(text).to_be_visible()
    async with phone.expect_popup() as opened:
        await text.get_by_role("link").click()
    preferences = await opened.value
    chat.watch.over(preferences)
    switch = preferences.get_by_role("switch", name="Deals and new roasts")
    await expect(switch).to_have_attribute("aria-checked", "true")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "false")
    await expect(preferences.get_by_role("status")).to_have_text(
        re.compile("You're unsubscribed from Deals and new roasts")
    )
    assert (await _stands(store)).state is ConsentState.OPTED_OUT
    await preferences.reload()
    await expect(switch).to_have_attribute("aria-checked", "false")

    # In another conversation the number is there already, and locked.
    await chat.page.bring_to_front()
    await chat.new_conversation()
    await expect(card.get_by_role("heading")).to_have_text(TITLE)
    await expect(card).to_have_attribute("data-state", "saved")
    await expect(card.locator(".field")).to_have_text(re.compile(f"{re.escape(national(number))}\\s*Saved"))
    await expect(card.get_by_role("textbox")).to_have_count(0)
    await card.get_by_role("button", name="Sign Up Now").click()
    await expect(card.get_by_role("heading")).to_have_text("You're signed up")
    await expect(chat.bubble("Your code HARBOR10")).to_be_visible()

    contact = await _contact(store)
    events = await store.events.after(contact.id, 0, limit=10)
    assert [(e.action, e.source, e.number) for e in events] == [
        ("opt_in", "form", number),
        ("opt_out", "preference_center", number),
        ("opt_in", "form", number),
    ]
    assert events[0].context.page == chat.page.url
    assert await eventually(lambda: _texts(store, number, 2))


async def _contact(store: Store) -> Contact:
    (contact,) = await store.contacts.find({}, limit=3)
    return contact


async def _stands(store: Store) -> Consent:
    consent = (await _contact(store)).consent(DEALS)
    assert consent
    return consent


async def _texts(store: Store, number: str, count: int) -> bool:
    return len(await store.deliveries.sent_to(number, limit=9)) == count
