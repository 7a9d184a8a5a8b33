"""The live line: servers restart, lines drop, tabs are many; every entry stands once, in order, in each of them."""

from __future__ import annotations

import asyncio
import re

from aiohttp.test_utils import TestServer
from playwright.async_api import Route, WebSocketRoute, expect

from bot.app import Bot
from bot.model.conversation import Author, AuthorKind, Text
from bot.store import Store
from tests.browser.conftest import Restartable, Visit
from tests.browser.shop import shows

TEAMMATE = Author(kind=AuthorKind.TEAMMATE, id="ada")
NO_SERVER = ("ERR_CONNECTION_REFUSED", "WebSocket connection", "request failed: POST .*/messages")
NO_LINE = ("ERR_INTERNET_DISCONNECTED", "request failed: POST .*/messages")


async def test_the_chat_comes_back_when_the_server_does(visit: Visit, restartable: Restartable, bot: Bot) -> None:
    chat = await visit(restartable.server)
    chat.watch.allow(*NO_SERVER)
    await chat.open()
    conversation = await chat.conversation()
    await chat.field.fill("201555")

    await restartable.stop()
    await write(bot, conversation, "Written while you were away")
    await chat.say("Sent while you were away")
    await expect(chat.frame.locator(".unsent-state")).to_contain_text("Not sent.")
    await restartable.start()

    await chat.is_live()
    await expect(chat.bubble("Written while you were away")).to_have_count(1)
    await expect(chat.bubble("Sent while you were away")).to_have_count(1)
    await expect(chat.frame.locator(".unsent")).to_have_count(0)
    await write(bot, conversation, "Written after that")
    await expect(chat.bubble("Written after that")).to_be_visible()
    await shows(chat.seqs, [1, 2, 3, 4, 5])
    assert await _texts(bot.store, conversation) == [
        "Written while you were away",
        "Sent while you were away",
        "Written after that",
    ]
    await expect(chat.field).to_have_value("(201) 555")
    await chat.sign_up("(201) 555-0123")
    await expect(chat.card.get_by_role("heading")).to_have_text("You're signed up")


async def test_a_message_written_offline_is_sent_once_the_line_is_back(
    visit: Visit, server: TestServer, bot: Bot
) -> None:
    chat = await visit(server)
    chat.watch.allow(*NO_LINE)
    await chat.open()
    await chat.context.set_offline(True)
    banner = chat.frame.locator("#banner")
    await expect(banner).to_have_text("You're offline. We'll send your messages when you reconnect.")
    await chat.say("First")
    await chat.say("Second")
    await expect(chat.frame.locator('.unsent[data-state="failed"]')).to_have_count(2)
    await chat.context.set_offline(False)
    await expect(chat.frame.locator(".unsent")).to_have_count(0)
    await expect(banner).to_be_empty()
    await shows(chat.seqs, [1, 2, 3, 4])
    assert await _texts(bot.store, await chat.conversation()) == ["First", "Second"]


async def test_a_message_whose_answer_was_lost_is_kept_once(visit: Visit, server: TestServer, bot: Bot) -> None:
    chat = await visit(server)
    chat.watch.allow("request failed: POST .*/messages", "ERR_FAILED")

    lost = asyncio.Event()

    async def lose_the_answer(route: Route) -> None:
        await route.fetch()
        await expect(chat.sent("Only once")).to_be_visible()  # the live line was faster
        await route.abort()
        lost.set()

    await chat.open()
    await chat.page.route("**/messages", lose_the_answer, times=1)
    await chat.say("Only once")
    await lost.wait()
    await chat.say("And then this")
    await expect(chat.sent("And then this")).to_be_visible()
    await expect(chat.announcer).not_to_contain_text("Couldn't send")
    assert await _texts(bot.store, await chat.conversation()) == ["Only once", "And then this"]
    await shows(chat.seqs, [1, 2, 3, 4])


async def test_a_message_is_moved_to_the_next_conversation_though_two_answers_refuse_the_token(
    visit: Visit, server: TestServer
) -> None:
    chat = await visit(server)
    chat.watch.allow(r"\b401\b")
    lines: list[WebSocketRoute] = []
    asked, refused, opens = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def through(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        lines.append(socket)

    async def refuse(route: Route) -> None:
        if asked.is_set():
            await route.continue_()
        else:
            asked.set()
            await refused.wait()
            await route.fulfill(status=401, body="{}")

    async def wait(route: Route) -> None:
        refused.set()
        await opens.wait()
        await route.continue_()

    await chat.page.route_web_socket(re.compile("/messenger/live"), through)
    await chat.open()
    await chat.page.route("**/messages", refuse)
    await chat.page.route("**/messenger/open", wait)
    await chat.say("Am I lost?")
    await asked.wait()
    async with chat.page.expect_response("**/messages") as answer:
        await lines[0].close(code=4401)
    await (await answer.value).finished()
    await expect(chat.announcer).to_contain_text("Couldn't send")
    opens.set()
    await expect(chat.sent("Am I lost?")).to_be_visible()


async def test_what_could_not_be_opened_does_not_come_back_over_what_was_opened_since(
    visit: Visit, server: TestServer, demo_store: Store
) -> None:
    chat = await visit(server)
    chat.watch.allow(r"\b503\b", "WebSocket")
    await chat.open()
    await chat.say("Hello")
    await expect(chat.sent("Hello")).to_be_visible()
    await chat.page.route("**/messenger/open", lambda route: route.fulfill(status=503, body="{}"), times=1)
    await chat.frame.get_by_role("button", name="Your conversations").click()
    await chat.frame.get_by_role("button", name="New conversation").click()
    await expect(chat.frame.locator("[data-retry]")).to_be_visible()
    await chat.frame.get_by_role("button", name="Your conversations").click()
    await chat.frame.locator(".conv").click()
    await expect(chat.sent("Hello")).to_be_visible()
    await chat.is_live()
    await (await chat.inside()).evaluate("window.dispatchEvent(new Event('online'))")
    await chat.say("Still here")
    await expect(chat.sent("Still here")).to_be_visible()
    await expect(chat.sent("Hello")).to_be_visible()
    assert len(await demo_store.conversations.find({}, limit=5)) == 1


async def test_two_tabs_show_the_same(visit: Visit, server: TestServer, bot: Bot) -> None:
    one = await visit(server)
    await one.open()
    two = await one.another_tab()
    await two.open()
    assert await one.conversation() == await two.conversation()

    await one.say("Hello from the first tab")
    await expect(two.bubble("Hello from the first tab")).to_be_visible()
    await two.say("And from the second")
    await expect(one.bubble("And from the second")).to_be_visible()
    await one.sign_up("(201) 555-0123")
    for tab in (one, two):
        await expect(tab.card.get_by_role("heading")).to_have_text("You're signed up")
        await expect(tab.bubble("Your code HARBOR10")).to_be_visible()
        await shows(tab.seqs, [1, 2, 3, 4, 5, 6])
        await expect(tab.cards).to_have_count(1)
    await two.page.close()
    await write(bot, await one.conversation(), "One more")
    await expect(one.bubble("One more")).to_be_visible()


async def test_a_card_answered_in_one_tab_takes_no_second_answer_in_the_other(
    visit: Visit, server: TestServer, demo_store: Store
) -> None:
    """The second tab pressed before the news reached it."""
    one = await visit(server)
    one.watch.allow(r"\b409\b")
    await one.open()
    two = await one.another_tab()
    await two.page.route_web_socket(re.compile("/messenger/live"), lambda socket: None)  # hears nothing
    await two.launcher.click()
    await two.field.fill("(201) 555-0199")
    await one.sign_up("(201) 555-0123")
    await expect(one.card).to_have_attribute("data-state", "completed")
    await two.press()
    await expect(two.card).to_have_attribute("data-state", "completed")
    await expect(two.card).to_contain_text("(201) 555-0123")
    (event,) = await demo_store.events.find({}, limit=5)
    assert event.number == "+12015550123"


async def test_what_a_person_reads_stays_where_it_is(visit: Visit, server: TestServer, bot: Bot) -> None:
    """A long conversation: older entries on demand, and no jump to the end while one reads above."""
    chat = await visit(server, viewport={"width": 1280, "height": 600})
    await chat.open()
    conversation = await chat.stored()
    for number in range(60):
        await bot.conversations.append(conversation, TEAMMATE, Text(text=f"Line {number}"), f"k{number}")
    await expect(chat.bubble("Line 59")).to_be_in_viewport()

    await chat.page.reload()
    await chat.open()
    await expect(chat.parts).to_have_count(50)
    log = chat.frame.get_by_role("log")
    await log.evaluate("(node) => { node.scrollTop = 0; }")
    await expect(chat.parts).to_have_count(62)
    await expect(chat.frame.get_by_role("button", name="Show earlier messages")).to_be_hidden()
    await shows(chat.seqs, range(1, 63))

    await log.evaluate("(node) => { node.scrollTop = 0; }")
    await write(bot, conversation, "The newest")
    pill = chat.frame.get_by_role("button", name="New messages")
    await expect(pill).to_be_visible()
    await expect(chat.bubble("welcome to Harbor Coffee")).to_be_in_viewport()
    await pill.click()
    await expect(chat.bubble("The newest")).to_be_in_viewport()
    await expect(pill).to_be_hidden()


async def write(bot: Bot, conversation: str, text: str) -> None:
    """A teammate writes, in another process."""
    await bot.conversations.append(conversation, TEAMMATE, Text(text=text), text)


async def _texts(store: Store, conversation: str) -> list[str]:
    """What was written after the greeting and the card."""
    parts = await store.parts.after(conversation, 2, limit=50)
    return [part.content.text for part in parts if isinstance(part.content, Text)]
