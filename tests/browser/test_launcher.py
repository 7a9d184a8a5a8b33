"""The launcher: light until it is needed, and at the site's command."""

from __future__ import annotations

from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from bot.app import Bot
from bot.flows.document import FlowDocument
from bot.flows.publish import create
from bot.flows.steps import Say
from bot.flows.triggers import TimeOnPage
from bot.model.conversation import Author, AuthorKind, Text
from tests.browser.conftest import Visit
from tests.browser.shop import Chat, Shop, base
from tests.conftest import eventually
from tests.flows.test_triggers import PAGES
from widget.web.http import BOT

TEAMMATE = Author(kind=AuthorKind.TEAMMATE, id="ada")


def asked_of_sayso(chat: Chat) -> list[str]:
    return [request.replace(chat.sayso, "") for request in chat.watch.requests if chat.sayso in request]


async def test_nothing_but_the_launcher_loads_until_it_is_opened(visit: Visit, server: TestServer) -> None:
    chat = await visit(server)
    await expect(chat.launcher).to_be_visible()
    await chat.page.wait_for_load_state("networkidle")
    asked = [request for request in asked_of_sayso(chat) if "/?sayso=" not in request]
    assert asked == ["GET /widget.js"]
    await expect(chat.iframe).to_have_count(0)
    assert await chat.token() is None
    await chat.open()
    assert await chat.token()


async def test_a_message_while_it_was_closed_shows_as_a_badge(visit: Visit, server: TestServer, bot: Bot) -> None:
    chat = await visit(server)
    badge = chat.page.locator("#sayso .badge")
    await chat.open()
    conversation = await chat.stored()
    await expect(badge).to_be_hidden()

    async def is_seen() -> bool:
        kept = await bot.store.conversations.get(conversation)
        return kept is not None and kept.seen == kept.last

    await eventually(is_seen)
    await chat.launcher.click()

    # The chat has loaded: the news comes by its own line.
    await bot.conversations.append(conversation, TEAMMATE, Text(text="Still there?"), "k1")
    await expect(badge).to_have_text("1")
    await expect(chat.launcher).to_have_accessible_name("Open chat, Unread messages: 1")

    # On the next page it has not: the launcher asks, and loads nothing else.
    chat.watch.requests.clear()
    await chat.page.reload()
    await expect(badge).to_have_text("1")
    asked = [request for request in asked_of_sayso(chat) if "/?sayso=" not in request]
    assert asked == ["GET /widget.js", "POST /messenger/unread"]

    await chat.open()
    await expect(badge).to_be_hidden()
    await expect(chat.bubble("Still there?")).to_be_visible()
    await expect(chat.launcher).to_have_accessible_name("Close chat")

    # Seen is seen, on the next page too.
    await eventually(is_seen)
    await chat.launcher.click()
    chat.watch.requests.clear()
    async with chat.page.expect_response("**/messenger/unread") as answered:
        await chat.page.reload()
    assert await (await answered.value).json() == {"unread": 0}
    await expect(badge).to_be_hidden()


async def test_a_site_commands_the_chat(visit: Visit, server: TestServer) -> None:
    chat = await visit(server)
    await expect(chat.launcher).to_be_visible()
    await chat.page.evaluate(
        """() => { window.heard = [];
          for (const name of ['onShow', 'onHide', 'onUnreadCountChange']) Sayso(name, () => heard.push(name)); }"""
    )
    await chat.page.evaluate("Sayso('show')")
    await chat.is_live()
    await chat.page.evaluate("Sayso('hide')")
    await expect(chat.iframe).to_be_hidden()
    assert await chat.page.evaluate("heard") == ["onShow", "onHide"]

    await chat.page.evaluate("Sayso('update', { alignment: 'left', horizontal_padding: 40 })")
    box = await chat.launcher.bounding_box()
    assert box
    assert box["x"] == 40
    await chat.page.evaluate("Sayso('update', { hide_default_launcher: true })")
    await expect(chat.launcher).to_be_hidden()

    token = await chat.token()
    assert token
    await chat.page.evaluate("Sayso('shutdown')")
    await expect(chat.page.locator("#sayso")).to_have_count(0)
    assert await chat.token() is None
    await chat.page.evaluate("Sayso('boot', { hide_default_launcher: false })")
    await chat.open()
    assert await chat.token() != token, "whoever comes after a shutdown is somebody else"


async def test_a_site_opens_it_with_a_button_of_its_own(visit: Visit, server: TestServer) -> None:
    chat = await visit(server, {"custom_launcher_selector": "#help", "hide_default_launcher": True})
    await expect(chat.launcher).to_have_count(0)
    await chat.page.get_by_role("button", name="Help").click()
    await chat.is_live()
    await chat.page.keyboard.press("Escape")
    await expect(chat.page.get_by_role("button", name="Help")).to_be_focused()


async def test_a_site_that_sets_nothing_boots_by_itself(visit: Visit, server: TestServer, shop: Shop) -> None:
    chat = await visit(server)
    await chat.page.goto(shop.address(base(server), None))
    await eventually(lambda: chat.page.evaluate("Boolean(window.Sayso)"))
    await expect(chat.page.locator("#sayso")).to_have_count(0)
    await chat.page.evaluate("Sayso('boot', {})")
    await chat.open()


async def test_a_site_that_keeps_nothing_still_chats(visit: Visit, server: TestServer) -> None:
    """Storage is blocked for the shop too: the token lives as long as the page."""
    chat = await visit(server)
    await chat.page.add_init_script(
        """if (location.hostname === 'localhost') Object.defineProperty(window, 'localStorage', {
          get() { throw new DOMException('blocked', 'SecurityError'); } });"""
    )
    await chat.page.reload()
    await chat.open()
    await chat.say("Do you hear me?")
    await expect(chat.sent("Do you hear me?")).to_be_visible()


async def test_a_frame_answers_only_the_page_that_opened_it(visit: Visit, server: TestServer) -> None:
    """A token that comes from anywhere else is not kept; a person is not taken over."""
    chat = await visit(server)
    await chat.open()
    token = await chat.token()
    await chat.page.evaluate("postMessage({ sayso: 1, type: 'token', token: 'stolen' }, '*')")
    await chat.page.evaluate("postMessage({ sayso: 1, type: 'close' }, '*')")
    await chat.say("Still here")
    await expect(chat.sent("Still here")).to_be_visible()
    assert await chat.token() == token
    await expect(chat.iframe).to_be_visible()


async def test_a_flow_greets_after_some_time_on_a_page(visit: Visit, server: TestServer) -> None:
    store = server.app[BOT].store
    greeting = FlowDocument(triggers=(TimeOnPage(seconds=1),), steps=(Say(id="hi", text="Can we help?"),))
    await create(store, greeting)
    chat = await visit(server)
    await expect(chat.bubble("Can we help?")).to_be_visible()
    assert await chat.page.evaluate("document.activeElement === document.body"), "nobody asked for it"
    asked = [request for request in asked_of_sayso(chat) if "/?sayso=" not in request]
    assert asked[:4] == ["GET /widget.js", "GET /widget-timers.js", "POST /messenger/stayed", "GET /messenger"]
    assert await chat.page.evaluate("sessionStorage['sayso.met']"), "once a tab"

    # On the next page it is the same chat.
    await chat.page.reload()
    await expect(chat.bubble("Can we help?")).to_be_visible()
    assert await store.contacts.count_about() == await store.conversations.count_about() == 0
    await chat.say("Yes, please")
    await expect(chat.sent("Yes, please")).to_be_visible()

    # A chat that covers the page doesn't open by itself.
    phone = await visit(server, viewport={"width": 360, "height": 740})
    badge = phone.page.locator("#sayso .badge")
    await expect(badge).to_have_text("1")
    await expect(phone.iframe).to_have_count(0)
    await phone.page.reload()
    await expect(badge).to_have_text("1")
    await phone.open()
    await expect(phone.bubble("Can we help?")).to_be_visible()
    await expect(badge).to_be_hidden()
    await _clock_counts_what_is_seen(phone)


CLOCK = """async (address) => {
  const timers = await import(address);
  window.asked = 0;
  window.isHidden = false;
  Object.defineProperty(document, "hidden", { get: () => isHidden });
  sessionStorage["sayso.met"] = `another\\n1${JSON.stringify([1, ["*"]])}`;
  const token = () => { asked += 1; throw Error("not now"); };
  timers.start({ isBusy: () => false, facts: () => ({}), token });
  window.turn = (hidden) => { isHidden = hidden; document.dispatchEvent(new Event("visibilitychange")); };
  return timers.matches;
}"""


async def _clock_counts_what_is_seen(chat: Chat) -> None:
    """The clock's own script once more, on a page whose time the test makes."""
    page = chat.page
    await page.clock.install()
    clock = await page.evaluate_handle(CLOCK, f"{chat.sayso}/widget-timers.js?again")
    for pattern, address, does in PAGES:
        if address.startswith("https://shop"):
            matches = "(matches, [pattern, address]) => matches(pattern, new URL(address))"
            assert await clock.evaluate(matches, [pattern, address]) is does, (pattern, address)
    asked = list[int]()
    for hidden, milliseconds in [(False, 600), (True, 5_000), (False, 300), (True, 5_000), (False, 200)]:
        await page.evaluate("turn", hidden)
        await page.clock.run_for(milliseconds)
        asked.append(await page.evaluate("asked"))
    assert asked == [0, 0, 0, 0, 1], "a hidden page's time doesn't count"
