"""Quick replies: the answers to a bot's question, as buttons."""

from __future__ import annotations

from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from bot.flows.steps import Ask, Say
from bot.flows.steps.ask import AskChoice
from bot.store import Store
from tests.browser.conftest import Visit
from tests.browser.gallery import ask


async def test_a_choice_is_made_by_keyboard_and_leads_on(visit: Visit, server: TestServer, demo_store: Store) -> None:
    dark = AskChoice(id="dark", label="Dark", steps=(Say(id="strong", text="A strong one, then."),))
    light = AskChoice(id="light", label="Light", steps=(Say(id="mild", text="A mild one, then."),))
    await ask(demo_store, Ask(id="which", text="Which roast?", answer="choice", choices=(dark, light)))
    chat = await visit(server)
    await chat.open()
    replies = chat.frame.get_by_role("list", name="Quick replies").get_by_role("button")
    await expect(replies).to_have_text(["Dark", "Light"])
    await replies.nth(1).focus()
    await chat.page.keyboard.press("Enter")
    await expect(chat.parts.locator(".bubble")).to_have_text(["Which roast?", "Light", "A mild one, then."])
    await expect(replies.first).to_be_hidden()
    await expect(chat.text).to_be_focused()
    assert len(await demo_store.conversations.find({}, limit=3)) == 1
