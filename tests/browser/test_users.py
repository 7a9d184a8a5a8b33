"""People whom the site names: proven, they are the same on each of their machines; unproven, nobody's data is shown."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

import jwt
import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect

from bot.model.base import now
from bot.store import Store
from tests.browser.conftest import Visit


@pytest.fixture
def browser(whole_browser: Browser) -> Browser:
    return whole_browser


async def signed(store: Store, user: str) -> str:
    workspace = await store.workspaces.get("workspace")
    assert workspace
    return hmac.new(workspace.identity_secrets[0].secret.encode(), user.encode(), hashlib.sha256).hexdigest()


async def test_a_proven_user_is_the_same_on_two_machines(visit: Visit, server: TestServer, demo_store: Store) -> None:
    settings = {"user_id": "u1", "user_hash": await signed(demo_store, "u1"), "name": "Maya Ortiz"}
    home = await visit(server, settings)
    await home.open()
    await home.sign_up("(201) 555-0123")
    await home.say("I am at home")
    await expect(home.sent("I am at home")).to_be_visible()

    work = await visit(server, settings)
    await work.open()
    assert await work.conversation() == await home.conversation()
    await expect(work.bubble("I am at home")).to_be_visible()
    await expect(work.card).to_contain_text("(201) 555-0123")
    await work.say("And now at work")
    await expect(home.bubble("And now at work")).to_be_visible()
    await work.new_conversation()
    await expect(work.card).to_contain_text("(201) 555-0123")
    (contact,) = await demo_store.contacts.find({}, limit=3)
    assert (contact.external_id, contact.name, contact.role) == ("u1", "Maya Ortiz", "user")


async def test_a_wrong_signature_is_told_and_shows_nothing(visit: Visit, server: TestServer, demo_store: Store) -> None:
    hash = await signed(demo_store, "u1")
    owner = await visit(server, {"user_id": "u1", "user_hash": hash})
    await owner.open()
    await owner.sign_up("(201) 555-0123")
    await expect(owner.card).to_have_attribute("data-state", "completed")

    stranger = await visit(server, {"user_id": "u1", "user_hash": "0" * 64})
    stranger.watch.allow(r"\b422\b", r"user_hash")
    await stranger.launcher.click()
    await expect(stranger.frame.get_by_role("log")).to_contain_text("Invalid user signature (user_hash).")
    await expect(stranger.parts).to_have_count(0)
    assert await stranger.token() is None
    assert "555" not in await stranger.frame.locator("body").inner_text()
    assert len(await demo_store.contacts.find({}, limit=5)) == 1

    # The site mends it while the page is open.
    await stranger.page.evaluate("(settings) => Sayso('update', settings)", {"user_id": "u1", "user_hash": hash})
    await stranger.is_live()
    await expect(stranger.card).to_contain_text("(201) 555-0123")


async def test_a_claim_without_a_proof_shows_nothing_of_the_user(
    visit: Visit, server: TestServer, demo_store: Store
) -> None:
    owner = await visit(server, {"user_id": "u1", "user_hash": await signed(demo_store, "u1")})
    await owner.open()
    await owner.sign_up("(201) 555-0123")
    await expect(owner.card).to_have_attribute("data-state", "completed")
    stranger = await visit(server, {"user_id": "u1"})
    await stranger.open()
    assert await stranger.conversation() != await owner.conversation()
    await expect(stranger.card).to_have_attribute("data-state", "open")


async def test_a_person_who_signs_in_keeps_their_conversation_and_leaves_none_behind(
    visit: Visit, server: TestServer, demo_store: Store
) -> None:
    chat = await visit(server)
    await chat.open()
    conversation = await chat.stored()
    settings = {"user_id": "u1", "user_hash": await signed(demo_store, "u1")}
    async with chat.page.expect_websocket():  # the line of whom the chat was opened anew for
        await chat.page.evaluate("(settings) => Sayso('update', settings)", settings)
    await chat.is_live()
    assert await chat.conversation() == conversation
    (contact,) = await demo_store.contacts.find({}, limit=3)
    assert contact.external_id == "u1"
    await chat.page.evaluate("Sayso('shutdown')")
    await chat.page.evaluate("Sayso('boot', { user_id: undefined, user_hash: undefined })")
    await chat.open()
    assert await chat.conversation() != conversation


async def test_a_fresh_token_and_a_wrong_clock_change_nothing(
    visit: Visit, server: TestServer, demo_store: Store
) -> None:
    """What expires is decided by the server's clock."""
    workspace = await demo_store.workspaces.get("workspace")
    assert workspace
    first, fresh = (
        jwt.encode({"user_id": "u1", "iat": now() - timedelta(minutes=age)}, workspace.identity_secrets[0].secret)
        for age in (5, 0)
    )
    chat = await visit(server, {"user_jwt": first})
    await chat.open()
    await chat.say("It is me")
    await expect(chat.sent("It is me")).to_be_visible()
    await chat.page.evaluate("(user_jwt) => Sayso('update', { user_jwt })", fresh)
    conversation = await chat.conversation()
    for hours in (1, -2):
        await chat.page.clock.set_system_time(now() + timedelta(hours=hours))
        await chat.page.reload()
        await expect(chat.bubble("It is me")).to_be_visible()
        assert await chat.conversation() == conversation
    (contact,) = await demo_store.contacts.find({}, limit=3)
    assert contact.external_id == "u1"
