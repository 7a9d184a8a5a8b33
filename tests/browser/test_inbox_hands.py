"""What an agent does in the inbox by hand, quickly, twice, or at a bad moment."""

from __future__ import annotations

import asyncio

from aiohttp.test_utils import TestServer
from playwright.async_api import Page, Route, expect

from bot.app import Bot
from bot.model.base import new_id, now
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.store import Store
from tests.browser.conftest import Look, Visit
from tests.browser.desk import signed_in
from tests.browser.test_inbox import Inbox, begun
from widget.web.http import BOT

REFUSED = '{"errors": [{"code": "number_stopped", "message": "This number texted STOP."}]}'


async def opened(look: Look, server: TestServer, id: str = "", allow: tuple[str, ...] = ()) -> Inbox:
    inbox = Inbox(await signed_in(look, server, f"/inbox/{id}", allow=allow))
    await inbox.is_live()
    return inbox


async def happened(store: Store, id: str) -> list[str]:
    parts = await store.parts.after(id, 0, limit=50)
    return [part.content.name for part in parts if isinstance(part.content, ConversationEvent)]


async def rename(server: TestServer, id: str, name: str) -> None:
    bot = server.app[BOT]
    contact = await bot.ledger.contact((await bot.inbox.get(id)).contact)
    assert contact
    await bot.contacts.set_values(contact, {"name": name})


async def refuse_first(page: Page, told: asyncio.Event, goes_on: asyncio.Event) -> None:
    async def refuse(route: Route) -> None:
        told.set()
        await goes_on.wait()
        await route.fulfill(status=409, content_type="application/json", body=REFUSED)

    await page.route("**/messages", refuse, times=1)


async def test_a_refused_reply_comes_back_beside_a_note_as_a_note(visit: Visit, look: Look, server: TestServer) -> None:
    """Words for teammates never stand where Enter sends them to the customer."""
    chat = await begun(visit, server)
    ada = await opened(look, server, await chat.stored(), allow=(r"\b409\b",))
    told, goes_on = asyncio.Event(), asyncio.Event()
    await refuse_first(ada.page, told, goes_on)
    await ada.say("Gladly!")
    await told.wait()
    await ada.page.get_by_role("radio", name="Note").check()
    await ada.text.fill("He never pays")
    goes_on.set()
    await expect(ada.page.locator("#composer-note")).to_have_text("This number texted STOP.")
    await expect(ada.text).to_have_value("Gladly!\nHe never pays")
    await expect(ada.page.locator("#composer")).to_contain_class("composer--note")


async def test_a_draft_that_begins_with_a_slash_stays_when_the_form_is_opened(
    visit: Visit, look: Look, server: TestServer
) -> None:
    chat = await begun(visit, server)
    ada = await opened(look, server, await chat.stored())
    for text, stays in (("/account is where you find it", True), ("/fo", False)):
        await ada.text.fill(text)
        await ada.page.get_by_role("link", name="Opt-in form", exact=True).click()
        await expect(ada.page.get_by_role("dialog", name="Insert an opt-in form")).to_be_visible()
        await expect(ada.page.locator("#message")).to_have_value(text if stays else "")
        await ada.page.keyboard.press("Escape")
        await expect(ada.text).to_have_value(text if stays else "")


async def test_one_refused_message_keeps_none_of_other_conversations_waiting(
    visit: Visit, look: Look, server: TestServer
) -> None:
    chats = [await begun(visit, server, f"Question {i}") for i in range(3)]
    ids = [await chat.stored() for chat in chats]
    ada = await opened(look, server, ids[2], allow=(r"\b409\b",))
    await ada.page.evaluate(
        """([a, b, me]) => sessionStorage.setItem(`sayso.inbox.${me}`, JSON.stringify([
            { text: 'Refused', kind: 'reply', key: 'refused-1', conversation: a, at: new Date().toISOString() },
            { text: 'After it', kind: 'reply', key: 'refused-2', conversation: a, at: new Date().toISOString() },
            { text: 'Goes through', kind: 'reply', key: 'through-1', conversation: b, at: new Date().toISOString() },
        ]))""",
        [ids[0], ids[1], await ada.page.locator("#inbox").get_attribute("data-me")],
    )

    async def refuse(route: Route) -> None:
        await route.fulfill(status=409, content_type="application/json", body=REFUSED)

    await ada.page.route(f"**/inbox/{ids[0]}/messages", refuse)
    await ada.page.reload()
    await expect(chats[1].bubble("Goes through")).to_be_visible()
    await expect(chats[0].bubble("After it")).to_have_count(0)  # it waits behind the one before it


async def test_a_double_click_closes_and_does_not_open_again(
    visit: Visit, look: Look, server: TestServer, demo_store: Store
) -> None:
    chat = await begun(visit, server)
    id = await chat.stored()
    ada = await opened(look, server, id)
    close = ada.page.locator("#state").get_by_role("button", name="Close", exact=True)
    await close.hover(position={"x": 15, "y": 10})
    await ada.page.mouse.down()
    await rename(server, id, "Maya")  # redrawing while the button is held down must not lose the click
    await expect(ada.page.locator(".talk-who")).to_contain_text("Maya")
    await ada.page.mouse.up()
    await expect(ada.page.get_by_role("button", name="Reopen")).to_be_visible()
    await ada.page.mouse.down(click_count=2)
    await ada.page.mouse.up(click_count=2)
    await ada.say("Bye")
    await expect(ada.bubble("Bye")).to_be_visible()
    assert ConversationEventName.REOPENED not in await happened(demo_store, id)


async def test_a_key_that_is_held_acts_once(visit: Visit, look: Look, server: TestServer, demo_store: Store) -> None:
    chat = await begun(visit, server)
    id = await chat.stored()
    ada = await opened(look, server, id)
    await ada.page.keyboard.down("e")
    await expect(ada.page.get_by_role("button", name="Reopen")).to_be_visible()
    await ada.page.keyboard.down("e")
    await ada.page.keyboard.up("e")
    await ada.say("Bye")
    await expect(ada.bubble("Bye")).to_be_visible()
    assert ConversationEventName.REOPENED not in await happened(demo_store, id)


async def test_the_focus_stays_on_a_tab_while_the_list_is_read_anew(
    visit: Visit, look: Look, server: TestServer
) -> None:
    chat = await begun(visit, server)
    ada = await opened(look, server, await chat.stored())
    for name in ("Open", "Snoozed", "Mine"):
        tab = ada.page.locator(".inbox-tabs").get_by_role("link", name=name)
        await tab.focus()
        await chat.say(f"And {name}?")
        await expect(ada.list.filter(has_text=f"And {name}?")).to_be_visible()
        await expect(tab).to_be_focused()


async def test_earlier_entries_tell_their_times_in_the_readers_way_and_leave_the_focus(
    visit: Visit, look: Look, server: TestServer, bot: Bot, demo_store: Store
) -> None:
    chat = await begun(visit, server)
    id = await chat.stored()
    teammate = (await demo_store.teammates.find({}, limit=1))[0]
    await bot.inbox.snooze(id, teammate.id, now().replace(year=now().year + 1), new_id())
    for i in range(120):
        await bot.inbox.note(id, teammate.id, f"Line {i}", new_id())
    ada = await opened(look, server, id)
    more = ada.page.get_by_role("button", name="Show earlier messages")
    await more.evaluate("(node) => { node.focus({ preventScroll: true }); node.click(); }")  # scrolling loads more, too
    await expect(ada.page.locator("#parts .part")).to_have_count(100)
    await expect(more).to_be_focused()
    await ada.page.locator("#thread").evaluate("(node) => { node.scrollTop = 0; }")
    await expect(ada.event("snoozed this until")).to_have_count(1)
    await expect(ada.event("snoozed this until")).not_to_contain_text("UTC")


async def test_texts_that_say_the_same_are_left_alone(
    look: Look, server: TestServer, bot: Bot, demo_store: Store
) -> None:
    """What is marked in one, to be copied, stays marked while more comes."""
    await bot.receive("+12015550123", "Are you open?", "t1")
    (conversation,) = await demo_store.conversations.find({}, limit=2)
    ada = await opened(look, server, conversation.id)
    await ada.say("Until six")
    entry = ada.page.locator("#parts .part[data-seq]", has_text="Until six")
    await expect(entry).to_contain_text("Sent as a text")
    await ada.page.reload()  # the answer to the composer may still replace the entry
    await expect(entry).to_contain_text("Sent as a text")
    await entry.locator(".bubble").select_text()
    await bot.receive("+12015550123", "And tomorrow?", "t2")
    await expect(ada.bubble("And tomorrow?")).to_be_visible()
    await ada.page.wait_for_timeout(500)
    assert await ada.page.evaluate("String(getSelection())") == "Until six"


async def test_escape_closes_what_is_on_top_and_not_the_panel_under_it(
    visit: Visit, look: Look, server: TestServer
) -> None:
    chat = await begun(visit, server)
    ada = await opened(look, server, await chat.stored())
    await expect(ada.panel.get_by_role("switch").first).to_be_visible()
    await ada.page.keyboard.press("d")
    await expect(ada.panel).to_contain_class("is-open")
    on_top = ada.page.locator("dialog[open], .menu[open], #apps:not([hidden])")
    for key in ("?", "s", "r/"):
        for one in key:
            await ada.page.keyboard.press(one)
        await expect(on_top).to_have_count(1)
        await ada.page.keyboard.press("Escape")
        await expect(on_top).to_have_count(0)
        await expect(ada.panel).to_contain_class("is-open")
    await ada.page.keyboard.press("Escape")
    await expect(ada.panel).not_to_contain_class("is-open")


async def test_the_kind_is_chosen_by_keys_without_leaving_it(visit: Visit, look: Look, server: TestServer) -> None:
    chat = await begun(visit, server)
    ada = await opened(look, server, await chat.stored())
    reply, note = (ada.page.get_by_role("radio", name=name) for name in ("Reply", "Note"))
    await reply.focus()
    await reply.press("ArrowRight")
    await expect(ada.page.locator("#composer")).to_contain_class("composer--note")
    await expect(note).to_be_focused()
    await reply.check()
    await expect(ada.page.locator("#composer")).not_to_contain_class("composer--note")
    await expect(ada.text).to_be_focused()  # who takes the mouse goes on there
