"""The pictures of docs/tour.md: one shop on one day, from the card to the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from playwright.async_api import FloatRect, Page, expect

from bot.app import Bot
from bot.chat.conversations import opened_with
from bot.config import Settings
from bot.consent.checkpoints import CheckpointKeys
from bot.demo import DEALS, teammates
from bot.demo_crowd import make_crowd
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.conversation import Author, AuthorKind, Text
from bot.model.teammate import By, TeammateRole
from bot.store import Store
from bot.workspace.access import Scope
from tests.browser.shop import Chat, base, wear
from tests.widget.desk import ADA, at_desk

if TYPE_CHECKING:
    from tests.browser.screenshots import Studio

NAME_THE_HOST = """([from, to]) => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(from, to);
  for (const field of document.querySelectorAll("input, textarea")) {
    for (const name of ["value", "placeholder"]) {
      if (field[name]?.includes(from)) field[name] = field[name].replaceAll(from, to);
    }
  }
}"""
CROWD = 240
WIDE, HIGH = 1280, 800
OTHERS = (
    ("Jon Bell", 9, ("Is the Sidamo back?",)),
    ("Aisha Khan", 26, ("Do you grind for a moka pot?", "And could you ship on Friday?")),
    ("Lena Fischer", 55, ("The Night Ferry was wonderful, thank you!",)),
    ("Tomás Rivera", 140, ("Can I pause my order for two weeks?",)),
)


async def fill(store: Store, settings: Settings) -> None:
    """The shop's contacts. Call it before the server starts."""
    await make_crowd(store, CheckpointKeys(store, settings.checkpoint_keys), CROWD, progress=lambda _made: None)


async def draw(studio: Studio) -> None:
    """Writes every picture into the folder of the studio."""
    day = now() - timedelta(hours=3)
    others = [
        await _wrote(studio.bot, name, day - timedelta(minutes=minutes), texts) for name, minutes, texts in OTHERS
    ]
    chat = await studio.chat()
    id = await _sign_up(studio, chat)
    link = await _phone(studio)
    await _preferences(studio, link)
    await chat.context.close()
    await _settle(studio.bot)
    async with _teammate(studio) as page:
        await _inbox(studio, page, id, others[0])
        await _contacts(studio, page)
        await _settings(studio, page)


async def _wrote(bot: Bot, name: str, at: datetime, texts: tuple[str, ...]) -> str:
    """Returns the conversation's id."""
    contact = Contact(id=new_id(), name=name, created_at=at, updated_at=at, last_seen_at=at)
    await bot.store.contacts.insert(contact)
    await bot.store.conversations.insert(opened_with(id := new_id(), contact.id, [], at))
    for text in texts:
        author = Author(kind=AuthorKind.CONTACT, id=contact.id)
        await bot.conversations.append(id, author, Text(text=text), new_id(), at=at)
    return id


async def _sign_up(studio: Studio, chat: Chat) -> str:
    """Maya signs up and asks Ben something. Returns the conversation's id."""
    await wear(chat.page, "light", WIDE, 840)
    await chat.sign_up("(201) 555-0123")
    await expect(chat.card).to_have_attribute("data-state", "completed")
    await chat.say("Thanks! Do you ship to Canada?")
    await expect(chat.sent("Do you ship to Canada?")).to_be_visible()
    id = await chat.conversation()
    await studio.bot.inbox.reply(
        id, teammates()[1].id, "We do, in 3 to 5 days. Shall I set a bag aside for you?", "ben"
    )
    await expect(chat.bubble("3 to 5 days")).to_be_visible()
    await wear(chat.page, "dark", WIDE, 840)
    clip: FloatRect = {"x": 600, "y": 0, "width": 680, "height": 840}
    await chat.page.screenshot(path=studio.folder / "signed-up.png", clip=clip)
    maya = await studio.bot.ledger.contact((await studio.bot.inbox.get(id)).contact)
    assert maya
    await studio.bot.store.contacts.change(maya, {"name": "Maya Ortiz"})
    await studio.bot.inbox.note(id, teammates()[0].id, "Regular: two bags of Sidamo a month.", "note")
    return id


async def _phone(studio: Studio) -> str:
    """The confirmation on the phone. Returns the link in it."""
    page = await studio.page("/demo/phone")
    await page.locator(".text a").wait_for()
    await _take(studio, page, "phone", width=900, height=720)
    link = await page.locator(".text a").get_attribute("href") or ""
    await page.context.close()
    return link


async def _preferences(studio: Studio, link: str) -> None:
    page = await studio.page(link.removeprefix(base(studio.server)))
    await _take(studio, page, "preferences", width=900, height=720)
    await page.context.close()


async def _settle(bot: Bot) -> None:
    """What teammates did before."""
    ada = teammates()[0]
    by = By(ada.id, ada.name, "203.0.113.9")
    await bot.account_links.invite("cy@harborcoffee.example", TeammateRole.AGENT, by)
    await bot.tokens.make(ada, "Nightly import", days=90, scopes=[Scope.READ_CONTACTS, Scope.WRITE_CONTACTS], by=by)
    await bot.teammates.set_role(teammates()[1].id, TeammateRole.ADMIN, by)
    await bot.store.workspaces.change({"reply_time": "minutes"})


@asynccontextmanager
async def _teammate(studio: Studio) -> AsyncIterator[Page]:
    page = await studio.page("/login")
    async with at_desk(base(studio.server), ADA) as desk:
        for cookie in desk.session.cookie_jar:
            await page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": base(studio.server)}])
        yield page
    await page.context.close()


async def _open(studio: Studio, page: Page, id: str) -> None:
    await page.goto(f"{base(studio.server)}/inbox/{id}")
    await expect(page.locator("#inbox")).to_have_attribute("data-line", "live")
    await expect(page.locator("#contact-panel")).to_be_visible()


async def _inbox(studio: Studio, page: Page, id: str, stranger: str) -> None:
    """The conversation with Maya, her history, and a form for somebody who has not signed up."""
    await _open(studio, page, id)
    await _take(studio, page, "inbox", height=620)
    panel = await page.locator("#contact-panel").get_attribute("data-address")
    await page.goto(f"{base(studio.server)}{panel}")
    await page.locator(".cp-shown > summary").first.click()
    await wear(page, "light", 900, HIGH)
    await _name_the_host(studio, page)
    await page.locator("#contact-panel").screenshot(path=studio.folder / "history.png")
    await wear(page, "light", WIDE, HIGH)
    await _open(studio, page, stranger)
    await page.locator("#form-button").click()
    await page.locator("#insert-fields [name=subscription]").select_option(DEALS)
    await page.locator("#insert-fields [name=title]").fill("First pick of the harvest")
    await expect(page.locator("#form-preview .card-title")).to_have_text("First pick of the harvest")
    await _take(studio, page, "insert-form")


async def _contacts(studio: Studio, page: Page) -> None:
    await page.goto(f"{base(studio.server)}/contacts")
    await expect(page.locator("main table tbody tr").first).to_be_visible()
    await _take(studio, page, "contacts")


async def _settings(studio: Studio, page: Page) -> None:
    for name, path in (("subscription", f"/settings/subscriptions/{DEALS}"), ("brand", "/settings/brand")):
        await page.goto(base(studio.server) + path)
        preview = page.frame_locator(".beside-frame iframe")
        await expect(preview.locator("h1, h2").first).to_be_attached()
        await _take(studio, page, name)


async def _take(studio: Studio, page: Page, name: str, *, width: int = WIDE, height: int = HIGH) -> None:
    await wear(page, "light", width, height)
    await _name_the_host(studio, page)
    await page.mouse.move(1, 1)
    await page.screenshot(path=studio.folder / f"{name}.png", caret="hide")


async def _name_the_host(studio: Studio, page: Page) -> None:
    """Shows the address as a real one: the port of this run means nothing to readers."""
    shown = base(studio.server)
    for host in (shown, shown.replace("127.0.0.1", "localhost")):
        for frame in page.frames:
            await frame.evaluate(NAME_THE_HOST, [host, "https://chat.harborcoffee.example"])
