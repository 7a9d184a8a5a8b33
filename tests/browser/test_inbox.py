"""The inbox in a browser: a visitor, Ada, and Ben on another process, with three pages open at once."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator, Page, Route, expect

from bot.app import Bot
from bot.config import Settings
from bot.demo import make_demo
from bot.model.base import new_id, now
from bot.model.conversation import Text
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer, embedded_server
from tests.browser import axe
from tests.browser.conftest import Look, Restartable, Visit
from tests.browser.desk import signed_in
from tests.browser.shop import Chat, base, shows, wear
from tests.conftest import serving

BEN = "ben@example.com"


@pytest.fixture
async def elsewhere(mongo: EmbeddedServer, settings: Settings, server: TestServer) -> AsyncIterator[TestServer]:
    """Another process on the same database. A test names it first, so that its pages are closed before it stops."""
    async with open_store(mongo.url, "sayso_test") as store, serving(store, settings) as running:
        yield running


Served = tuple[TestServer, Store, EmbeddedServer]


@pytest.fixture
async def own_database(tmp_path: Path, settings: Settings) -> AsyncIterator[Served]:
    """A Sayso with a database of this test's own, for it is going to be killed."""
    async with embedded_server(tmp_path / "own") as database, open_store(database.url, "sayso_own") as store:
        await store.prepare()
        await make_demo(store, "http://sayso.test")
        async with serving(store, settings) as running:
            yield running, store, database


Open = Callable[..., Awaitable["Inbox"]]


class Inbox:
    """An inbox page with one conversation open."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.text = page.get_by_label("Message", exact=True)
        self.list = page.locator(".conv")
        self.banner = page.locator("#banner")
        self.panel = page.locator("#panel")

    def bubble(self, text: str) -> Locator:
        return self.page.locator("#parts .part[data-seq] .bubble", has_text=text)

    def event(self, text: str) -> Locator:
        return self.page.locator("#parts .event", has_text=text)

    async def is_live(self) -> None:
        await expect(self.page.locator("#inbox")).to_have_attribute("data-line", "live")

    async def say(self, text: str) -> None:
        await self.text.fill(text)
        await self.text.press("Enter")

    async def seqs(self) -> list[int]:
        found: list[int] = await self.page.locator("#parts .part").evaluate_all(
            "all => all.map((li) => Number(li.dataset.seq))"
        )
        return found


@pytest.fixture
def open_inbox(look: Look) -> Open:
    async def open_it(server: TestServer, conversation: str = "", email: str = "ada@example.com") -> Inbox:
        page = await signed_in(look, server, f"/inbox/{conversation}" if conversation else "/inbox", email)
        inbox = Inbox(page)
        await inbox.is_live()
        return inbox

    return open_it


async def begun(visit: Visit, server: TestServer, text: str = "Do you do discounts?", **options: Any) -> Chat:
    """A visitor who has written."""
    chat = await visit(server, **options)
    await chat.open()
    await chat.say(text)
    await expect(chat.sent(text)).to_be_visible()
    return chat


async def test_three_pages_talk_and_see_each_other(
    elsewhere: TestServer, visit: Visit, open_inbox: Open, server: TestServer, demo_store: Store
) -> None:
    chat = await begun(visit, server)
    id = await chat.stored()
    ada = await open_inbox(server)
    await expect(ada.list.first).to_contain_text("Do you do discounts?")
    await ada.list.first.click()
    await ada.is_live()
    ben = await open_inbox(elsewhere, id, BEN)
    await expect(ada.page.locator("#here")).to_have_text("Ben is viewing")
    await expect(ben.page.locator("#here")).to_have_text("Ada is viewing")

    # What is open in a form that was sent stays open while the talk goes on.
    await ada.page.locator("#part-2").get_by_text("Legal text").click()

    # Both ways, each shown once in all three.
    await ada.say("We do! Our text list gets 10% off.")
    await expect(chat.bubble("We do! Our text list")).to_be_visible()
    await expect(ben.bubble("We do! Our text list")).to_be_visible()
    await expect(ada.page.locator(".status").last).to_contain_text("Seen")
    await chat.text.press_sequentially("How do I", delay=30)
    for inbox in (ada, ben):
        await expect(inbox.page.locator("#typing")).to_contain_text("is typing…")
    await chat.say("How do I join?")
    for inbox in (ada, ben):
        await expect(inbox.bubble("How do I join?")).to_be_visible()
        await expect(inbox.page.locator("#typing")).to_be_hidden()

    await expect(ada.page.locator("#part-2 .sent-form-legal")).to_have_attribute("open", "")

    # A note by keys, which the visitor never gets.
    await ben.page.keyboard.press("n")
    await ben.page.keyboard.type("She bought twice last week")
    await ben.page.keyboard.press("Enter")
    await expect(ada.bubble("She bought twice")).to_be_visible()
    await ben.page.keyboard.press("Escape")

    # The form of the greeting is completed: live in both inboxes and in the panel.
    await expect(ada.panel.get_by_role("switch", name="Deals and new roasts")).to_have_attribute(
        "aria-checked", "false"
    )
    await chat.sign_up("(201) 555-0123")
    for inbox in (ada, ben):
        await expect(inbox.event("signed up for Deals and new roasts")).to_be_visible()
        await expect(inbox.page.locator("#part-2 .sent-form--completed")).to_be_visible()
        await expect(inbox.panel.get_by_role("switch", name="Deals and new roasts")).to_have_attribute(
            "aria-checked", "true"
        )
    await expect(chat.frame.locator(".bubble", has_text="She bought")).to_have_count(0)

    # Closed by a key; the visitor's next message opens it again.
    await ada.text.press("Escape")
    await ada.page.keyboard.press("e")
    await expect(ben.event("Ada closed this")).to_be_visible()
    await expect(ben.page.get_by_role("button", name="Reopen")).to_be_visible()
    await chat.say("One more thing")
    for inbox in (ada, ben):
        await expect(inbox.bubble("One more thing")).to_be_visible()
    await expect(ben.page.locator("#state").get_by_role("button", name="Close", exact=True)).to_be_visible()
    stored = len(await demo_store.parts.after(id, 0, limit=50))
    for inbox in (ada, ben):
        await shows(inbox.seqs, range(1, stored + 1))


async def test_drafts_are_kept_and_list_is_gone_through_by_keys(
    visit: Visit, open_inbox: Open, server: TestServer
) -> None:
    first = await begun(visit, server, "The first")
    await begun(visit, server, "The second")
    ada = await open_inbox(server, await first.stored())
    await ada.text.fill("Half an ans")
    await ada.text.press("Escape")
    at = await ada.list.evaluate_all("all => all.findIndex((c) => c.hasAttribute('aria-current'))")
    await ada.page.keyboard.press("k" if at else "j")
    await expect(ada.page.locator("#parts")).to_contain_text("The second")
    await expect(ada.page.locator(".conv-line:has(.conv-draft)")).to_have_text("Draft: Half an ans")
    await expect(ada.text).to_have_value("")
    await ada.page.go_back()
    await expect(ada.text).to_have_value("Half an ans")

    # What is done by the keyboard leaves the focus where it was.
    close = ada.page.locator("#state").get_by_role("button", name="Close", exact=True)
    await close.focus()
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.get_by_role("button", name="Reopen")).to_be_focused()

    # Keys of one letter can be turned off.
    await ada.page.keyboard.press("?")
    keys = ada.page.get_by_role("dialog", name="Keyboard shortcuts")
    await keys.get_by_text("Use single-key shortcuts").click()
    await ada.page.keyboard.press("Escape")
    for key in ("?", "/", "n"):
        await ada.page.keyboard.press(key)
    await expect(ada.page.locator("dialog[open]")).to_have_count(0)
    await expect(ada.page.locator(".composer--note")).to_have_count(0)


async def test_going_on_by_keys_skips_no_unread_one_and_no_row_jumps(
    visit: Visit, open_inbox: Open, server: TestServer
) -> None:
    for i in range(4):
        await begun(visit, server, f"Question {i}")
    ada = await open_inbox(server)
    await expect(ada.list.filter(has_text="Question")).to_have_count(4)
    for i in (3, 2, 1, 0):
        await ada.page.keyboard.press("j")
        await ada.page.wait_for_url("**/inbox/*")
        await ada.is_live()
        await expect(ada.bubble(f"Question {i}")).to_be_visible()
        await expect(ada.page.locator(".conv--unread")).to_have_count(i)
        below = ada.page.locator("li:has([aria-current]) + li .conv-line")
        await expect(below).to_have_text(f"Question {i - 1}" if i else "Question 3")
    for i in (1, 2, 3):  # and back, the way one came
        await ada.page.keyboard.press("k")
        await expect(ada.bubble(f"Question {i}")).to_be_visible()
        await ada.is_live()


async def test_what_was_not_sent_is_a_draft_when_its_tab_is_gone(
    visit: Visit, look: Look, server: TestServer, demo_store: Store
) -> None:
    chat = await begun(visit, server)
    id = await chat.stored()
    page = await signed_in(look, server, f"/inbox/{id}", allow=("ERR_FAILED",))
    ada = Inbox(page)
    await ada.is_live()
    await page.route("**/messages", lambda route: route.abort())
    await ada.say("Never mind the rain")
    await expect(page.locator('.unsent[data-state="failed"]')).to_be_visible()
    again = await page.context.new_page()
    await page.goto("about:blank")
    await page.close()
    await again.goto(f"{base(server)}/inbox/{id}")
    other = Inbox(again)
    await other.is_live()
    await expect(other.text).to_have_value("Never mind the rain")
    await other.text.press("Enter")
    await expect(chat.bubble("Never mind the rain")).to_have_count(1)
    await again.reload()
    await expect(other.text).to_have_value("")


async def test_a_message_that_is_too_long_is_counted_and_kept(
    visit: Visit, open_inbox: Open, server: TestServer
) -> None:
    chat = await begun(visit, server)
    ada = await open_inbox(server, await chat.stored())
    await ada.text.fill("☕" * 4002)
    await expect(ada.page.locator("#composer-note")).to_have_text("2 characters over the limit")
    await ada.text.press("Enter")
    await expect(ada.text).to_have_value("☕" * 4002)
    await ada.page.locator("#state").get_by_role("button", name="Close", exact=True).click()
    await expect(ada.event("Ada closed this")).to_be_visible()
    await expect(ada.page.locator("#composer-note")).to_have_text("2 characters over the limit")
    await ada.text.fill("☕" * 4000)
    await ada.text.press("Enter")
    await expect(chat.bubble("☕" * 4000)).to_be_visible()


async def test_a_restart_of_the_agents_process_loses_nothing_and_doubles_nothing(
    restartable: Restartable, visit: Visit, look: Look, server: TestServer, demo_store: Store
) -> None:
    chat = await begun(visit, server)
    id = await chat.stored()
    page = await signed_in(
        look,
        restartable.server,
        f"/inbox/{id}",
        allow=(r"ERR_CONNECTION", "WebSocket", "htmx:(afterRequest|sendError)"),
    )
    ada = Inbox(page)
    await ada.is_live()
    await restartable.stop()
    # Both write while her process is away.
    await ada.say("Written while it was away")
    await chat.say("Are you there?")
    await expect(chat.sent("Are you there?")).to_be_visible()
    await restartable.start()
    await expect(ada.bubble("Written while it was away")).to_be_visible()
    await expect(ada.bubble("Are you there?")).to_be_visible()
    await expect(chat.bubble("Written while it was away")).to_be_visible()
    await expect(ada.banner).to_have_text("")
    texts = [p.content.text for p in await demo_store.parts.after(id, 2, limit=50) if isinstance(p.content, Text)]
    assert sorted(texts) == ["Are you there?", "Do you do discounts?", "Written while it was away"]
    await shows(ada.seqs, [1, 2, 3, 4, 5, 6], in_order=False)  # the greeting, its form, three texts, and who took it


@pytest.mark.slow
async def test_a_restart_of_the_database_loses_nothing_and_doubles_nothing(
    own_database: Served, visit: Visit, look: Look
) -> None:
    server, store, database = own_database
    if database.engine != "mongod":
        pytest.skip("the other server has no journal to come back with")
    chat = await visit(server)
    chat.watch.allow(r"\b503\b", "WebSocket", "ERR_")
    await chat.open()
    await chat.say("Before")
    await expect(chat.sent("Before")).to_be_visible()
    id = await chat.stored()
    page = await signed_in(look, server, f"/inbox/{id}", allow=(r"\b503\b", "WebSocket", "ERR_", "htmx:"))
    ada = Inbox(page)
    await ada.is_live()

    os.kill(database.pid, signal.SIGKILL)
    await ada.say("An answer while it is away")
    await chat.say("A question while it is away")
    try:  # it is started again by itself
        for bubble in (ada.bubble("A question while"), chat.bubble("An answer while"), ada.bubble("An answer while")):
            await expect(bubble).to_be_visible()
        await ada.say("After")
        for bubble in (chat.bubble("After"), ada.bubble("After")):
            await expect(bubble).to_be_visible()
        texts = [p.content.text for p in await store.parts.after(id, 2, limit=50) if isinstance(p.content, Text)]
        wanted = ["Before", "An answer while it is away", "A question while it is away", "After"]
        assert sorted(texts) == sorted(wanted)
        await shows(ada.seqs, range(1, 8), in_order=False)
        await expect(chat.frame.locator(".part .bubble")).to_have_count(5)
    finally:
        await chat.page.context.close()
        await page.context.close()


async def test_what_was_written_after_the_session_had_ended_is_sent_after_signing_in(
    visit: Visit, look: Look, server: TestServer, demo_store: Store
) -> None:
    chat = await begun(visit, server)
    id = await chat.stored()
    allow = (r"\b401\b", "WebSocket", "messages net::ERR_ABORTED")
    ada = Inbox(await signed_in(look, server, f"/inbox/{id}", allow=allow))
    await ada.is_live()
    await ada.page.wait_for_load_state("networkidle")  # loading the list while signed out would leave the page
    await ada.text.fill("Written while away")

    async def end_sessions(route: Route) -> None:
        """After Enter: a page that hears of the end by itself leaves at once."""
        await demo_store.sessions.collection.update_many({}, {"$set": {"ended_at": now()}})
        with suppress(PlaywrightError):  # it has left
            await route.continue_()

    await ada.page.route("**/messages", end_sessions, times=1)
    await ada.text.press("Enter")
    await ada.page.get_by_label("Email").fill("ada@example.com")
    await ada.page.get_by_label("Password").fill("demo")
    await ada.page.get_by_role("button", name="Sign in").click()
    await expect(ada.bubble("Written while away")).to_have_count(1)
    await expect(chat.bubble("Written while away")).to_have_count(1)
    await ada.say("Second")
    await expect(chat.bubble("Second")).to_have_count(1)
    assert [
        part.content.text for part in await demo_store.parts.after(id, 3, limit=9) if isinstance(part.content, Text)
    ] == [
        "Written while away",
        "Second",
    ]


async def test_without_javascript_an_agent_reads_answers_and_closes(
    visit: Visit, look: Look, server: TestServer, bot: Bot
) -> None:
    chat = await begun(visit, server)
    page = await look(server, "/login?next=/inbox", java_script_enabled=False)
    await page.get_by_label("Email").fill(BEN)
    await page.get_by_label("Password").fill("demo")
    await page.get_by_role("button", name="Sign in").click()
    await page.locator(".conv").first.click()
    await page.get_by_label("Message", exact=True).fill("Plain and good")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".bubble", has_text="Plain and good")).to_be_visible()
    await expect(chat.bubble("Plain and good")).to_be_visible()
    await page.locator("#state").get_by_role("button", name="Close", exact=True).click()
    await expect(page.locator(".event", has_text="Ben closed this")).to_be_visible()

    await bot.receive("+12015550166", "How do I unsubscribe?", new_id())
    await page.get_by_role("link", name="Inbox", exact=True).first.click()
    await page.get_by_role("link", name="Opt-out requests 1").click()
    row = page.get_by_role("row", name="How do I unsubscribe?")
    await expect(row).to_contain_text("business days left")
    await row.get_by_role("button", name="Opt out of all texts").click()
    await expect(page.get_by_role("heading", name="No open opt-out requests")).to_be_visible()


async def test_what_an_agent_reads_above_stays_and_older_entries_load_on_scroll(
    visit: Visit, open_inbox: Open, server: TestServer, bot: Bot
) -> None:
    chat = await begun(visit, server)
    id = await chat.stored()
    for i in range(70):
        await bot.inbox.note(id, "x", f"Line {i}", new_id())
    ada = await open_inbox(server, id)
    await expect(ada.page.locator("#parts .part")).to_have_count(50)
    await ada.page.locator("#thread").evaluate("(node) => { node.scrollTop = 0; }")
    await expect(ada.page.locator("#parts .part")).to_have_count(73)
    await shows(ada.seqs, range(1, 74))


async def test_the_pages_have_no_fault_that_axe_finds(
    visit: Visit, open_inbox: Open, server: TestServer, bot: Bot
) -> None:
    chat = await begun(visit, server, "Is the Sidamo back? " + "Kaffee" * 30)
    await chat.sign_up("(201) 555-0123")
    ada = await open_inbox(server, await chat.stored())
    await ada.say("Yes! https://harbor.example/roasts")
    await expect(ada.bubble("Yes! https")).to_be_visible()
    await expect(ada.event("signed up for Deals and new roasts")).to_be_visible()
    await expect(ada.panel.get_by_role("heading", name="History")).to_be_attached()
    await expect(ada.panel.get_by_role("switch", name="Deals and new roasts")).to_have_attribute("aria-checked", "true")
    for scheme, width, height in axe.LOOKS:
        await wear(ada.page, scheme, width, height)
        assert await axe.faults(ada.page, scheme) == [], f"{scheme} {width}"
        assert await ada.page.evaluate("document.documentElement.scrollWidth") <= width
    await bot.receive("+12015550155", "how can I unsubscribe here?", new_id())
    await ada.page.goto(base(server) + "/inbox")
    await ada.is_live()
    await expect(ada.page.get_by_role("link", name="Opt-out requests 1 open")).to_be_attached()
    for scheme, width, height in axe.LOOKS:
        await wear(ada.page, scheme, width, height)
        assert await axe.faults(ada.page, scheme) == [], f"list {scheme} {width}"
        assert await ada.page.evaluate("document.documentElement.scrollWidth") <= width
