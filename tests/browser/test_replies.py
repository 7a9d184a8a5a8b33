"""Saved replies in the composer, and the warning before unsaved changes are lost."""

from __future__ import annotations

from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from bot.app import Bot
from bot.workspace.audit import COMMAND_LINE
from tests.browser.conftest import Look, Visit
from tests.browser.desk import signed_in
from tests.browser.shop import base
from tests.browser.test_inbox import Inbox, begun
from tests.browser.test_inbox_hands import opened


async def test_a_saved_reply_takes_the_place_of_its_command_or_goes_to_the_cursor(
    visit: Visit, look: Look, server: TestServer, bot: Bot
) -> None:
    await bot.saved_replies.create("Greeting", "Hi {first_name|there}, Harbor here.", COMMAND_LINE)
    await bot.saved_replies.create("Shipping", "We ship on Mondays.", COMMAND_LINE)
    chat = await begun(visit, server)
    ada = await opened(look, server, await chat.stored())
    await ada.text.press_sequentially("/gre")
    await expect(ada.page.get_by_role("option")).to_have_text(["GreetingHi there, Harbor here."])
    await ada.text.press("Enter")
    await expect(ada.text).to_have_value("Hi there, Harbor here.")
    await ada.page.get_by_role("button", name="Saved replies").click()
    await ada.text.press("ArrowDown")
    await ada.text.press("Enter")
    await expect(ada.text).to_have_value("Hi there, Harbor here.We ship on Mondays.")
    await ada.text.press("Enter")
    await expect(ada.bubble("We ship on Mondays.")).to_be_visible()
    await ada.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await ada.page.locator("summary[aria-label=More]").click()
    await ada.page.get_by_role("button", name="Copy transcript").click()
    await expect(ada.page.locator("#composer-note")).to_have_text("Transcript copied")
    assert "Ada: Hi there, Harbor here." in await ada.page.evaluate("navigator.clipboard.readText()")

    await ada.page.keyboard.press("Escape")
    await ada.page.goto(f"{base(server)}/inbox/replies/new")
    await ada.page.get_by_label("Name").fill("Hours")
    asked: list[str] = []

    async def stay(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        await dialog.accept()  # type: ignore[attr-defined]

    ada.page.on("dialog", stay)
    await ada.page.get_by_role("link", name="Inbox").click()
    await expect(ada.page).to_have_title("Inbox · Harbor Coffee")
    assert asked == ["beforeunload"]


async def test_a_new_message_is_told_by_sound_to_who_wants_it(
    visit: Visit, look: Look, server: TestServer, bot: Bot
) -> None:
    me = await bot.teammates.named("ada@example.com")
    await bot.store.teammates.update({"_id": me.id}, {"$set": {"notify_sound": True}})
    chat = await begun(visit, server)
    ada = Inbox(await signed_in(look, server, "/inbox"))
    await ada.is_live()
    await expect(ada.list).to_have_count(1)
    await ada.page.evaluate(
        """() => {
            window.tones = 0;
            const start = OscillatorNode.prototype.start;
            OscillatorNode.prototype.start = function () { window.tones += 1; start.call(this); };
        }"""
    )
    await chat.say("Anybody there?")
    await expect(ada.list.first).to_contain_text("Anybody there?")
    await ada.page.wait_for_function("window.tones === 1")
