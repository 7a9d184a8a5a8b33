"""The chat on pages that replace their body, isolate themselves, sign people out, or lose their network."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Route, expect

from bot.store import Store
from tests.browser.conftest import Restartable, Visit
from tests.browser.shop import Chat, Shop, base
from tests.browser.test_users import signed
from tests.conftest import eventually

PHONE = {"width": 360, "height": 740}
NEW_BODY = "document.body = Object.assign(document.createElement('body'), { innerHTML: '<h1>Next page</h1>' })"


# --- what a site does to its page


async def test_the_open_chat_survives_a_replaced_body(visit: Visit, server: TestServer) -> None:
    chat = await visit(server)
    await chat.open()
    await chat.say("Before")
    await expect(chat.sent("Before")).to_be_visible()
    await chat.text.fill("Half a mess")

    await chat.page.evaluate(NEW_BODY)
    await expect(chat.page.get_by_role("heading", name="Next page")).to_be_visible()
    await expect(chat.text).to_have_value("Half a mess")
    await expect(chat.sent("Before")).to_be_visible()
    await chat.page.evaluate("Sayso('hide')")
    await expect(chat.iframe).to_be_hidden()
    await chat.page.evaluate("Sayso('show'); Sayso('update', { alignment: 'left' })")
    await chat.is_live()


async def test_a_chat_that_is_removed_comes_back_with_its_state(visit: Visit, server: TestServer) -> None:
    chat = await visit(server)
    await chat.open()
    await chat.say("Before")
    await expect(chat.sent("Before")).to_be_visible()
    await chat.text.fill("Half a mess")
    await eventually(
        lambda: chat.page.evaluate("(sessionStorage.getItem('sayso.draft') || '').includes('Half a mess')")
    )

    html = "'<head></head><body><h1>Next page</h1></body>'"
    await chat.page.evaluate(f"document.documentElement.innerHTML = {html}")
    await chat.is_live()
    await expect(chat.sent("Before")).to_be_visible()
    await expect(chat.text).to_have_value("Half a mess")


async def test_a_zoomed_or_transformed_body_does_not_move_it(visit: Visit, server: TestServer) -> None:
    chat = await visit(server)
    before = await chat.launcher.bounding_box()
    await chat.page.evaluate("document.body.style.cssText = 'zoom: 1.5; transform: translate(40px, 40px)'")
    assert await chat.launcher.bounding_box() == before


async def test_it_is_shown_as_soon_as_there_is_a_body(visit: Visit, server: TestServer, shop: Shop) -> None:
    chat = await visit(server)
    await chat.page.goto(shop.address(base(server), None, load="early"))
    await chat.is_live()
    assert await chat.page.evaluate("hadBody") is False


async def test_it_loads_as_a_module(visit: Visit, server: TestServer, shop: Shop) -> None:
    chat = await visit(server)
    settings = {"api_base": base(server)}  # Sayso's own address is in the script, and another one in this test
    await chat.page.goto(shop.address(base(server), settings, load="module"))
    await chat.open()


@pytest.mark.parametrize("policy", ["require-corp", "credentialless"])
async def test_it_works_on_an_isolated_page(visit: Visit, server: TestServer, shop: Shop, policy: str) -> None:
    chat = await visit(server)
    await chat.page.goto(shop.address(base(server), {}, isolated=policy))
    assert await chat.page.evaluate("crossOriginIsolated")
    await chat.open()
    await chat.say("Do you hear me?")
    await expect(chat.sent("Do you hear me?")).to_be_visible()


async def test_a_page_without_an_origin_is_refused_with_words(visit: Visit, server: TestServer, shop: Shop) -> None:
    chat = await visit(server)
    await chat.page.goto(shop.address(base(server), {}, sandbox="allow-scripts"))
    await chat.launcher.click()
    await expect(chat.page.get_by_role("alert")).to_have_text("Chat isn't available on this page.")
    await expect(chat.iframe).to_have_count(0)


# --- a frame that does not load


async def test_a_frame_that_fails_says_so_and_heals(visit: Visit, server: TestServer) -> None:
    chat = await visit(server)
    chat.watch.allow("503")
    fails = True

    async def answer(route: Route) -> None:
        await (route.fulfill(status=503, body="Unavailable") if fails else route.continue_())

    await chat.page.route("**/messenger", answer)
    await chat.launcher.click()
    alert = chat.page.locator("#sayso").get_by_role("alert")
    await expect(alert).to_contain_text("Couldn't load the chat. Check your connection.")
    await expect(alert.get_by_role("button", name="Try again")).to_be_visible()
    fails = False
    await chat.is_live()  # by itself
    await expect(alert).to_be_hidden()


async def test_a_server_that_is_away_says_so_and_heals(visit: Visit, restartable: Restartable) -> None:
    chat = await visit(restartable.server)
    chat.watch.allow("ERR_", "chrome-error")
    await expect(chat.launcher).to_be_visible()
    await restartable.stop()
    await chat.launcher.click()
    alert = chat.page.locator("#sayso").get_by_role("alert")
    await expect(alert).to_contain_text("Couldn't load the chat.")
    await restartable.start()
    await alert.get_by_role("button", name="Try again").click()
    await chat.is_live()


# --- who the visitor is


async def test_shutdown_in_one_tab_ends_the_chat_in_all(visit: Visit, server: TestServer) -> None:
    chat = await visit(server)
    await chat.open()
    await chat.text.fill("Half a mess")
    other = await chat.another_tab()
    await other.open()
    await other.page.evaluate("Sayso('shutdown')")
    await expect(chat.page.locator("#sayso")).to_have_count(0)
    assert await chat.token() is None
    await chat.page.evaluate("Sayso('show'); Sayso('hide'); Sayso('update', {}); Sayso('shutdown')")
    await chat.page.evaluate("Sayso('boot')")
    await chat.open()
    await expect(chat.text).to_have_value("")


async def test_another_user_gets_nothing_of_the_former_one(visit: Visit, server: TestServer, demo_store: Store) -> None:
    first = {"user_id": "u1", "user_hash": await signed(demo_store, "u1"), "name": "Maya", "email": "maya@example.com"}
    chat = await visit(server, first)
    await chat.open()
    await chat.say("I am Maya")
    await expect(chat.sent("I am Maya")).to_be_visible()
    await chat.text.fill("Half a mess")
    conversation = await chat.conversation()

    second: dict[str, Any] = {"user_id": "u2", "user_hash": await signed(demo_store, "u2")}
    await chat.page.evaluate("(settings) => Sayso('update', settings)", second)

    async def is_another() -> bool:
        return await chat.frame.locator("#parts").count() == 1 and await chat.conversation() != conversation

    await eventually(is_another)
    await chat.is_live()
    await expect(chat.bubble("I am Maya")).to_have_count(0)
    await expect(chat.text).to_have_value("")
    await chat.say("I am someone else")
    await expect(chat.sent("I am someone else")).to_be_visible()
    user = await demo_store.contacts.by_external_id("u2")
    assert user
    assert (user.name, user.email) == (None, None)


async def test_another_language_takes_effect(visit: Visit, server: TestServer) -> None:
    chat = await visit(server)
    await chat.open()
    await chat.text.fill("Media frase")
    await chat.page.evaluate("Sayso('update', { locale: 'es' })")
    await expect(chat.frame.locator("html")).to_have_attribute("lang", "es")
    await expect(chat.launcher_button).to_have_accessible_name("Cerrar el chat")
    await expect(chat.frame.locator("#text")).to_have_value("Media frase")


async def test_two_tabs_at_the_same_moment_are_one_visitor(visit: Visit, server: TestServer) -> None:
    chat = await visit(server)
    other = await chat.another_tab()
    await expect(chat.launcher).to_be_visible()
    await expect(other.launcher).to_be_visible()
    await chat.page.evaluate("Sayso('show')")
    await other.page.evaluate("Sayso('show')")
    await chat.is_live()
    await other.is_live()
    assert await chat.conversation() == await other.conversation()


# --- the next page


async def test_an_open_chat_and_what_was_typed_survive_the_next_page(visit: Visit, server: TestServer) -> None:
    chat = await visit(server)
    await chat.open()
    await chat.card.locator("select").select_option("GB")
    await chat.field.fill("07400 12")
    await chat.text.fill("Half a mess")
    await chat.page.wait_for_function("sessionStorage.getItem('sayso.draft')?.includes('Half a mess')")
    await chat.page.reload()
    await chat.is_live()
    await expect(chat.text).to_have_value("Half a mess")
    await expect(chat.text).not_to_be_focused()
    await expect(chat.field).to_have_value("07400 12")
    await expect(chat.card.locator("select")).to_have_value("GB")
    await chat.launcher.click()
    await chat.page.reload()
    await expect(chat.launcher).to_have_accessible_name("Open chat")
    await expect(chat.iframe).to_have_count(0)


# --- on a phone


async def phone_shop(chat: Chat) -> None:
    await chat.page.evaluate("document.querySelector('main').style.height = '3000px'")


async def test_on_a_phone_the_page_behind_does_not_scroll(visit: Visit, server: TestServer) -> None:
    chat = await visit(server, viewport=PHONE)
    await phone_shop(chat)
    await chat.page.evaluate("scrollTo(0, 300)")
    await chat.open()
    await chat.page.mouse.move(180, 300)
    await chat.page.mouse.wheel(0, 400)
    assert await chat.page.evaluate("getComputedStyle(document.documentElement).overflowY") == "hidden"
    assert await chat.page.evaluate("scrollY") == 300
    await chat.frame.get_by_role("button", name="Close chat").click()
    await expect(chat.iframe).to_be_hidden()
    assert await chat.page.evaluate("getComputedStyle(document.documentElement).overflowY") != "hidden"


async def test_on_a_phone_the_back_button_closes_the_chat(visit: Visit, server: TestServer) -> None:
    chat = await visit(server, viewport=PHONE)
    await chat.page.evaluate("history.replaceState({ theirs: 1 }, '')")
    await chat.page.evaluate("window.popped = 0; addEventListener('popstate', () => { popped += 1; })")
    address = chat.page.url
    await chat.open()
    await chat.page.evaluate("history.back()")
    await expect(chat.iframe).to_be_hidden()
    assert chat.page.url == address
    assert await chat.page.evaluate("history.state") == {"theirs": 1}

    await chat.open()
    await chat.frame.get_by_role("button", name="Close chat").click()
    await expect(chat.iframe).to_be_hidden()
    await chat.page.wait_for_function("!history.state.sayso")  # no entry is left behind
    assert await chat.page.evaluate("popped") == 0, "a router would draw the page anew"

    await chat.open()
    await chat.page.evaluate("window.went = 0; history.back = () => { went += 1; }; Sayso('hide')")
    await expect(chat.iframe).to_be_hidden()
    assert await chat.page.evaluate("went") == 0, "a site that hides the chat may be on its way elsewhere"


async def test_on_a_phone_the_keyboard_leaves_the_field_in_view(visit: Visit, server: TestServer) -> None:
    chat = await visit(server, viewport=PHONE)
    await chat.open()
    await chat.text.focus()
    # As a phone does when its keyboard opens: the layout stays, the visible part shrinks and may be moved.
    await chat.page.evaluate(
        """() => { for (const [name, value] of [['height', 400], ['offsetTop', 60]])
            Object.defineProperty(visualViewport, name, { configurable: true, value });
          visualViewport.dispatchEvent(new Event('resize')); }"""
    )
    box = await chat.iframe.bounding_box()
    assert box
    assert (box["y"], box["height"]) == (60, 400)
    await expect(chat.text).to_be_in_viewport()
    field = await chat.text.bounding_box()
    assert field
    assert field["y"] + field["height"] <= 460
