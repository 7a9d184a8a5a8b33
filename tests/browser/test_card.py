"""The card: what it says when an answer can't be taken, and that nothing a person typed is lost."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from bot.app import Bot
from bot.config import Settings
from bot.consent.form_windows import FormText
from bot.demo import DEALS, NEWS, make_demo
from bot.flows.steps import OptInForm, Say
from bot.model.subscription import SubscriptionState
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer, embedded_server
from tests.browser.conftest import Visit
from tests.browser.gallery import LETTER, ask
from tests.browser.shop import Chat
from tests.conftest import TOLD, asleep, serving
from tests.people import AT, TEAMMATE, card
from widget.web.http import BOT

TITLE = "Sign up to our SMS deals to get 10% off"
REFUSED = r"\b422\b"

BAD = {
    "": "Enter your mobile number",
    "call me maybe": "Enter a mobile number in the United States, like",
    "☎️📱": "Enter a mobile number in the United States, like",
    "555-01": "Too short",
    "201555012345678": "Too long",
    "+33 6 12 34 56 78": "We don't text numbers in France yet",
    "+44 20 7946 0958": "",
    "9" * 10000: "Too long",
}


async def test_a_wrong_number_is_told_at_its_field_and_can_be_mended(
    visit: Visit, server: TestServer, demo_store: Store
) -> None:
    chat = await visit(server)
    chat.watch.allow(REFUSED)
    await chat.open()
    for typed, sentence in BAD.items():
        await chat.field.fill(typed)
        await chat.press()
        error = chat.card.locator(".card-error")
        await expect(error).to_contain_text(sentence)
        await expect(error).not_to_be_empty()
        await expect(chat.field).to_be_focused()
        await expect(chat.field).to_have_attribute("aria-invalid", "true")
        await expect(chat.field).to_have_accessible_description(await _described_by(chat))
        assert _ungrouped(await chat.field.input_value()) == _ungrouped(typed[:200])
    assert await demo_store.events.find({}, limit=1) == []

    await chat.card.get_by_role("combobox").select_option("US")  # the typed +44 chose another country
    await chat.sign_up("201 555 0123")
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
    await expect(chat.card.get_by_role("heading")).to_be_focused()
    assert len(await demo_store.events.find({}, limit=5)) == 1


async def test_the_country_is_chosen_beside_the_number(visit: Visit, server: TestServer, demo_store: Store) -> None:
    chat = await visit(server)
    chat.watch.allow(REFUSED)
    await chat.open()
    country = chat.card.get_by_role("combobox", name="Country of the phone number")
    await expect(chat.card.locator(".field-region bdi")).to_have_text("US +1")
    await country.select_option("GB")
    await expect(chat.card.locator(".field-region bdi")).to_have_text("GB +44")
    await chat.sign_up("7400 1234")
    await expect(chat.card.locator(".card-error")).to_contain_text("United Kingdom")
    await expect(country).to_have_value("GB")
    await chat.sign_up("07400 123456")
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
    (event,) = await demo_store.events.find({}, limit=5)
    assert event.number == "+447400123456"


async def test_a_typed_country_code_switches_the_country_and_digits_are_grouped(
    visit: Visit, server: TestServer, demo_store: Store
) -> None:
    chat = await visit(server)
    chat.watch.allow(REFUSED)
    await chat.open()
    country, shown = chat.card.get_by_role("combobox"), chat.card.locator(".field-region bdi")
    await expect(chat.field).to_have_attribute("placeholder", "(201) 555-0123")
    await chat.field.press_sequentially("2015550123")
    await expect(chat.field).to_have_value("(201) 555-0123")
    await chat.field.press("Backspace")
    await expect(chat.field).to_have_value("(201) 555-012")
    await chat.field.fill("")
    await chat.field.press_sequentially("+447400123456")
    await expect(country).to_have_value("GB")
    await expect(shown).to_have_text("GB +44")
    await expect(chat.field).to_have_value("+44 7400 123456")
    await chat.field.fill("+33 6")
    await expect(chat.card.locator(".field--foreign")).to_have_count(1)
    await country.select_option("GB")
    await chat.field.fill("")
    await expect(chat.field).to_have_attribute("placeholder", "07400 123456")
    await chat.field.press_sequentially("0740012345")
    await expect(chat.field).to_have_value("07400 12345")
    await chat.press()
    await expect(chat.card.locator(".card-error")).to_contain_text("valid number in the United Kingdom")
    await chat.field.press_sequentially("6")
    await expect(chat.card.locator(".card-error")).to_be_hidden()
    await expect(chat.card.locator(".field--wrong")).to_have_count(0)
    assert await chat.field.get_attribute("aria-invalid") is None
    await chat.press()
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
    (event,) = await demo_store.events.find({}, limit=5)
    assert event.number == "+447400123456"


async def test_a_british_browser_starts_with_its_country(visit: Visit, server: TestServer) -> None:
    chat = await visit(server, locale="en-GB", timezone_id="Europe/London")
    await chat.open()
    await expect(chat.card.locator(".field-region bdi")).to_have_text("GB +44")
    await chat.sign_up("07400 123456")
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")


async def test_a_box_must_be_ticked_and_a_change_of_mind_is_shown_as_it_is(
    visit: Visit, server: TestServer, demo_store: Store, bot: Bot
) -> None:
    await ask(
        demo_store, OptInForm(id="form", subscription=DEALS, title="Deals", box="I agree to [texts](https://x.test).")
    )
    chat = await visit(server)
    chat.watch.allow(REFUSED)
    await chat.open()
    box = chat.card.get_by_role("checkbox", name="I agree to texts.")
    await chat.sign_up("(201) 555-0123")
    await expect(box).to_be_focused()
    await expect(box).to_have_accessible_description("Check this box to sign up.")
    await box.press(" ")
    await expect(chat.card.locator(".card-error--box")).to_be_hidden()
    await chat.press()
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
    async with chat.context.expect_page() as opening:
        await chat.card.get_by_role("button", name="Manage preferences").click()
    preferences = await opening.value
    chat.watch.over(preferences)
    await preferences.get_by_role("switch").first.click()
    await expect(chat.card).to_have_attribute("data-state", "withdrawn")
    await expect(chat.card.locator(".card-mark--good")).to_have_count(0)
    await chat.card.get_by_role("checkbox").check()
    await chat.press()
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
    await chat.card.locator("summary").click()
    await chat.card.get_by_role("button", name="Ask the team").click()
    await expect(chat.sent("isn't mine")).to_be_visible()
    assert [event.action for event in await demo_store.events.find({}, limit=5)] == ["opt_in", "opt_out", "opt_in"]


async def test_an_email_card_asks_for_an_email(visit: Visit, server: TestServer, demo_store: Store) -> None:
    form = OptInForm(id="form", subscription=NEWS, title="One letter a month", button="Subscribe", legal_text=LETTER)
    await ask(demo_store, Say(id="hello", text="Hello!"), form)
    chat = await visit(server)
    chat.watch.allow(REFUSED)
    await chat.open()
    field = chat.card.get_by_label("Email address", exact=True)
    await expect(field).to_have_attribute("type", "email")
    await expect(field).to_have_attribute("autocomplete", "email")
    await field.fill("ada@")
    await chat.press("Subscribe")
    await expect(chat.card.locator(".card-error")).to_contain_text("Enter an email address like")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("ada@")
    await field.fill("ada@example.com")
    await field.press("Enter")
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
    await expect(chat.card).to_contain_text("ada@example.com")
    (event,) = await demo_store.events.find({}, limit=5)
    assert (event.email, event.subscription) == ("ada@example.com", NEWS)


async def test_a_saved_number_is_shown_locked_and_said_with_the_button(
    visit: Visit, server: TestServer, demo_store: Store
) -> None:
    chat = await visit(server)
    await chat.open()
    await chat.sign_up("(201) 555-0123")
    await expect(chat.bubble("Your code HARBOR10")).to_be_visible()
    await demo_store.contacts.update({}, {"$set": {"consents.0.state": "opted_out"}})
    await chat.new_conversation()
    await expect(chat.card).to_have_attribute("data-state", "saved")
    await expect(chat.card.get_by_role("textbox")).to_have_count(0)
    button = chat.card.get_by_role("button", name="Sign Up Now")
    assert "(201) 555-0123 Saved" in " ".join((await _description(chat, ".card-button")).split())
    await button.press("Enter")
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
    await expect(chat.card).to_contain_text("(201) 555-0123")


async def test_a_double_click_signs_up_once(visit: Visit, server: TestServer, demo_store: Store) -> None:
    chat = await visit(server)
    await chat.open()
    await chat.field.fill("(201) 555-0123")
    await chat.card.get_by_role("button", name="Sign Up Now").dblclick()
    await expect(chat.bubble("Your code HARBOR10")).to_be_visible()
    sent = [request for request in chat.watch.requests if "/cards/" in request]
    assert len(sent) == 1
    assert len(await demo_store.events.find({}, limit=5)) == 1


async def test_words_that_changed_are_shown_before_anything_is_recorded(
    visit: Visit, server: TestServer, demo_store: Store, bot: Bot
) -> None:
    chat = await visit(server)
    chat.watch.allow(r"\b409\b")
    await chat.open()
    await bot.cards.insert(await chat.stored(), card(), TEAMMATE, "another")
    await expect(chat.cards).to_have_count(2)
    await demo_store.parts.update(
        {"content.kind": "card"}, {"$set": {"content.legal_text": "New terms: 9 texts a month."}}
    )
    await chat.sign_up("(201) 555-0123")
    await expect(chat.card.locator(".card-notice")).to_contain_text("The wording has changed")
    await expect(chat.card.locator(".card-legal")).to_have_text("New terms: 9 texts a month.")
    await expect(chat.field).to_have_value("(201) 555-0123")
    assert await demo_store.events.find({}, limit=1) == []
    await chat.press()
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
    (event,) = await demo_store.events.find({}, limit=5)
    assert event.words
    assert event.words.legal_text == "New terms: 9 texts a month."


async def test_the_browser_proves_its_work_when_a_limit_is_near(
    visit: Visit, server: TestServer, demo_store: Store
) -> None:
    """By itself: the person presses the button once. With half of the four texts for local addresses used."""
    bot: Bot = server.app[BOT]
    await demo_store.workspaces.change({"abuse.asks_proof": True})
    bot.workspace.cache_clear()
    bot.form_limits.network, bot.form_limits.clock = 1, lambda: AT
    for number in ("+12015550101", "+12025550102"):
        await bot.form_limits.take(FormText(number, "127.0.0.1"))
    chat = await visit(server)
    chat.watch.allow(r"\b409\b")
    await chat.open()
    await chat.sign_up("(203) 555-0123")
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
    assert len([request for request in chat.watch.requests if "/cards/" in request]) == 2
    (event,) = await demo_store.events.find({}, limit=5)
    assert event.withheld is None


async def test_a_card_that_was_withdrawn_says_so(visit: Visit, server: TestServer, demo_store: Store) -> None:
    chat = await visit(server)
    chat.watch.allow(r"\b409\b")
    await chat.open()
    await demo_store.subscriptions.update({"_id": DEALS}, {"$set": {"state": SubscriptionState.ARCHIVED}})
    await chat.sign_up("(201) 555-0123")
    await expect(chat.card).to_have_attribute("data-state", "closed")
    await expect(chat.card).to_contain_text("This form is no longer available")
    await expect(chat.card.get_by_role("heading")).to_be_focused()
    assert await demo_store.events.find({}, limit=1) == []


async def test_no_line_keeps_what_was_typed(visit: Visit, server: TestServer, demo_store: Store) -> None:
    chat = await visit(server)
    chat.watch.allow(
        "ERR_INTERNET_DISCONNECTED", "request failed: POST .*/cards/", "htmx:sendError", "htmx:afterRequest"
    )
    await chat.open()
    await chat.context.set_offline(True)
    await chat.sign_up("(201) 555-0123")
    await expect(chat.card.locator(".card-error")).to_have_text("Couldn't save. Check your connection and try again.")
    await expect(chat.announcer).to_contain_text("Couldn't save. Check your connection and try again.")
    await expect(chat.field).to_have_value("(201) 555-0123")
    await chat.context.set_offline(False)
    await chat.press()
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
    assert len(await demo_store.events.find({}, limit=5)) == 1


@pytest.fixture
async def own_mongo(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    engine = TOLD.get("SAYSO_TEST_ENGINE", "auto")
    async with embedded_server(tmp_path / "own", engine=engine) as running:  # type: ignore[arg-type]
        yield running


@pytest.mark.slow
async def test_the_database_stops_in_the_middle(visit: Visit, own_mongo: EmbeddedServer, settings: Settings) -> None:
    async with open_store(own_mongo.url, "sayso_test") as store:
        await store.prepare()
        await make_demo(store, "http://sayso.test")
        async with serving(store, settings) as server:
            chat = await visit(server)
            chat.watch.allow(r"\b503\b", "htmx:timeout", "htmx:afterRequest", "POST .*/cards/", "WebSocket connection")
            await chat.open()
            async with asleep(own_mongo.pid):
                await chat.sign_up("(201) 555-0123")
                error = chat.card.locator(".card-error")
                await expect(error).to_contain_text("Couldn't save")
                await expect(chat.field).to_have_value("(201) 555-0123")
                await expect(chat.card).to_have_attribute("data-state", "open")
            await chat.press()
            await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
            await expect(chat.bubble("Your code HARBOR10")).to_be_visible()
            assert len(await store.events.find({}, limit=5)) == 1


def _ungrouped(typed: str) -> str:
    return re.sub(r"[ ()-]", "", typed)


async def _described_by(chat: Chat) -> str:
    """The sentence under the field is what a screen reader says of it."""
    return (await chat.card.locator(".card-error").inner_text()).strip()


async def _description(chat: Chat, selector: str) -> str:
    words: str = await chat.card.locator(selector).evaluate(
        "(node) => node.getAttribute('aria-describedby').split(' ')"
        ".map((id) => document.getElementById(id)?.textContent || '').join(' ')"
    )
    return words
