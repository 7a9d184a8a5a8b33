"""Everything by keyboard, and everything said: focus goes in and comes back, new parts are announced."""

from __future__ import annotations

import re

from aiohttp.test_utils import TestServer
from playwright.async_api import Locator, expect

from bot.app import Bot
from bot.model.conversation import Author, AuthorKind, Text
from bot.store import Store
from tests.browser.conftest import Visit
from tests.browser.shop import Chat

PHONE = {"width": 360, "height": 740}


async def tab_to(chat: Chat, target: Locator, key: str = "Tab", most: int = 15) -> None:
    for _ in range(most):
        await chat.page.keyboard.press(key)
        if await target.evaluate("(node) => node.getRootNode().activeElement === node"):
            return
    raise AssertionError(f"{target} was not reached by {most} presses of {key}")


async def test_signing_up_by_keyboard_alone(visit: Visit, server: TestServer, demo_store: Store) -> None:
    chat = await visit(server)
    await expect(chat.launcher).to_be_visible()
    await tab_to(chat, chat.launcher)
    await chat.page.keyboard.press("Enter")
    await chat.is_live()
    await expect(chat.text).to_be_focused()

    await tab_to(chat, chat.card.get_by_role("link", name="Privacy"), "Shift+Tab")
    await tab_to(chat, chat.field, "Shift+Tab")
    await chat.page.keyboard.type("(201) 555-0123")
    await chat.page.keyboard.press("Enter")
    heading = chat.card.get_by_role("heading", name="You're signed up")
    await expect(heading).to_be_focused()

    await tab_to(chat, chat.text)
    await chat.page.keyboard.type("A line")
    await chat.page.keyboard.press("Shift+Enter")
    await chat.page.keyboard.type("and another")
    await chat.page.keyboard.press("Enter")
    await expect(chat.bubble("A line\nand another")).to_be_visible()
    await expect(chat.text).to_have_value("")
    await expect(chat.text).to_be_focused()

    await chat.page.keyboard.press("Escape")
    await expect(chat.launcher).to_be_focused()
    await expect(chat.launcher).to_have_attribute("aria-expanded", "false")
    await expect(chat.iframe).to_be_hidden()
    await chat.page.keyboard.press("Enter")
    await expect(chat.text).to_be_focused()


async def test_conversations_by_keyboard(visit: Visit, server: TestServer) -> None:
    chat = await visit(server)
    await chat.open()
    first = await chat.conversation()
    button = chat.frame.get_by_role("button", name="Your conversations")
    await tab_to(chat, button, "Shift+Tab")
    await chat.page.keyboard.press("Enter")
    await expect(button).to_have_attribute("aria-expanded", "true")
    await expect(chat.frame.get_by_role("heading", name="Your conversations")).to_be_focused()
    current = chat.frame.locator(".conv")
    await expect(current).to_have_attribute("aria-current", "true")
    await tab_to(chat, current)
    await tab_to(chat, chat.frame.get_by_role("button", name="New conversation"))
    await chat.page.keyboard.press("Enter")
    await expect(chat.text).to_be_focused()
    await chat.is_live()
    assert await chat.conversation() != first

    await tab_to(chat, button, "Shift+Tab")
    await chat.page.keyboard.press("Enter")
    older = chat.frame.locator(".conv").nth(1)
    await tab_to(chat, older)
    await chat.page.keyboard.press("Enter")
    await expect(chat.text).to_be_focused()
    await chat.is_live()
    assert await chat.conversation() == first
    await tab_to(chat, button, "Shift+Tab")
    await chat.page.keyboard.press("Enter")
    await expect(chat.frame.get_by_role("heading", name="Your conversations")).to_be_focused()
    await tab_to(chat, button, "Shift+Tab")
    await chat.page.keyboard.press("Enter")
    await expect(button).to_be_focused()
    await expect(button).to_have_attribute("aria-expanded", "false")


async def test_on_a_small_screen_focus_stays_in_the_chat(visit: Visit, server: TestServer) -> None:
    chat = await visit(server, viewport=PHONE)
    await chat.open()
    box = await chat.iframe.bounding_box()
    assert box
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 360, 740)
    await expect(chat.launcher).to_be_hidden()
    first = chat.frame.get_by_role("button", name="Your conversations")
    send = chat.frame.get_by_role("button", name="Send message")
    await tab_to(chat, send)
    await chat.page.keyboard.press("Tab")
    await expect(first).to_be_focused()
    await chat.page.keyboard.press("Shift+Tab")
    await expect(send).to_be_focused()
    await chat.frame.get_by_role("button", name="Close chat").click()
    await expect(chat.launcher).to_be_focused()


async def test_what_a_screen_reader_finds(visit: Visit, server: TestServer, bot: Bot) -> None:
    chat = await visit(server)
    await expect(chat.launcher).to_have_accessible_name("Open chat")
    await expect(chat.launcher).to_have_attribute("aria-expanded", "false")
    await chat.open()
    await expect(chat.launcher).to_have_accessible_name("Close chat")
    await expect(chat.launcher).to_have_attribute("aria-expanded", "true")
    await expect(chat.iframe).to_have_attribute("title", "Chat with Harbor Coffee")
    await expect(chat.frame.locator("body")).to_match_aria_snapshot(
        """
        - banner:
          - heading "Harbor Coffee" [level=1]
          - paragraph: We'll reply here
          - button "Your conversations"
          - button "Close chat"
        - main:
          - region "Chat":
            - log "Messages":
              - list:
                - listitem: Today
                - listitem: /Harbor Coffee. Hi, welcome to Harbor Coffee!/
                - listitem:
                  - region "Sign up to our SMS deals to get 10% off":
                    - heading "Sign up to our SMS deals to get 10% off" [level=2]
                    - combobox "Country of the phone number"
                    - textbox "Phone number"
                    - button "Sign Up Now"
                    - paragraph:
                      - link "Terms"
                      - link "Privacy"
            - textbox "Message"
            - button "Send message"
        """
    )
    await expect(chat.announcer).to_have_attribute("role", "status")
    await expect(chat.announcer).to_have_text(re.compile("Hi, welcome to Harbor Coffee!.*Sign up to our SMS deals"))
    teammate = Author(kind=AuthorKind.TEAMMATE, id="ada")
    await bot.conversations.append(await chat.stored(), teammate, Text(text="Can I help?"), "k1")
    await expect(chat.announcer).to_contain_text("Harbor Coffee: Can I help?")


async def test_news_are_said_and_do_not_take_the_focus(visit: Visit, server: TestServer) -> None:
    """Somebody presses the button and goes on to write: the card is done, and they are still writing."""
    chat = await visit(server)
    await chat.open()
    await chat.field.fill("(201) 555-0123")
    await chat.text.evaluate(
        "(text) => addEventListener('htmx:beforeRequest', () => setTimeout(() => text.focus()), { once: true })"
    )
    await chat.press()
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")
    await expect(chat.text).to_be_focused()
    await expect(chat.announcer).to_contain_text("You're signed up")
    await expect(chat.announcer).to_contain_text("Your code HARBOR10")
