"""Settings > Subscriptions in a browser: from a new draft to its end and back, the preview beside it all the way."""

from __future__ import annotations

import re

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from bot.demo import DEALS
from tests.browser import axe
from tests.browser.conftest import Look, Visit
from tests.browser.desk import signed_in
from tests.browser.shop import base, wear

pytestmark = pytest.mark.slow

LIST = "/settings/subscriptions"


async def test_the_life_of_a_subscription(look: Look, server: TestServer) -> None:
    page = await signed_in(look, server, LIST)
    seen = page.frame_locator("#preview")

    # Created, with the preview beside it.
    await page.get_by_role("link", name="New subscription").click()
    await page.locator("[name=consent_type][value=opt_out]").check()
    await expect(page.get_by_text("breaks the law")).to_be_visible()
    await page.locator("[name=consent_type][value=opt_in]").check()
    await expect(page.get_by_text("breaks the law")).to_be_hidden()
    await page.get_by_role("button", name="Save and close").click()
    await expect(page.locator("#name-error")).to_be_visible()
    await page.get_by_label("Name").fill("Tasting evenings")
    await page.get_by_label("Description").fill("Two a month, in the harbour.")
    await expect(seen.get_by_role("heading", name="Tasting evenings")).to_be_visible()
    await page.get_by_role("button", name="Save and close").click()
    await expect(page.locator("#said")).to_contain_text("Tasting evenings is saved as a draft.")

    # Edited and translated.
    await page.get_by_role("link", name="Edit Tasting evenings").click()
    await page.get_by_label("Add a language").select_option("pt_BR")
    await page.get_by_role("button", name="Add", exact=True).click()
    translated = page.locator("#translation-pt_BR")
    await expect(translated.get_by_label("Name")).to_be_focused()
    await translated.get_by_label("Name").fill("Noites de prova")
    await expect(seen.get_by_role("heading", name="Noites de prova")).to_be_visible()
    await page.get_by_label("Language", exact=True).select_option("en")
    await expect(seen.get_by_role("heading", name="Tasting evenings")).to_be_visible()
    await page.locator("#description").fill("Three a month, in the harbour.")
    await expect(seen.get_by_text("Three a month")).to_be_visible()
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("#said")).to_contain_text("Tasting evenings is saved.")
    await expect(page.locator("#v2")).to_contain_text("Ada edited it")
    await expect(page.locator("#v2")).to_contain_text("Noites de prova")

    # The text after a sign-up says what it has to.
    own = page.locator("#confirmation")
    await own.fill("Welcome to {program}!")
    checker = page.locator("[data-checker=confirmation]")
    await expect(checker).to_contain_text("requirements are missing")
    await own.fill("{brand}: you get {program}. {frequency}. Msg & data rates may apply. Reply HELP for help.")
    await expect(checker).to_contain_text("1 requirement is missing")
    await checker.get_by_role("button", name="Insert").click()
    await expect(own).to_have_value(re.compile("STOP"))
    await expect(checker).to_contain_text("All requirements met.")
    await own.press("Control+a")
    await own.fill("")
    await page.locator("#name").press("Enter")

    # Put live, previewed.
    await page.get_by_role("button", name="Put Live").click()
    await expect(page.locator("#said")).to_contain_text("People can now opt in")
    await page.get_by_role("link", name="Preview").click()
    await page.get_by_label("Language").select_option("pt_BR")
    await expect(seen.get_by_role("heading", name="Noites de prova")).to_be_visible()
    await page.get_by_label("Device").select_option("desktop")
    await expect(page.locator(".device--desktop")).to_be_visible()
    await page.get_by_label("Opened from").select_option("email")
    await expect(seen.get_by_role("heading", level=2).first).to_have_text("Your email preferences")

    # Archived, which asks; and restored.
    await page.goto(base(server) + LIST)
    await page.get_by_role("link", name="Tasting evenings", exact=True).click()
    await page.get_by_role("link", name="Archive").press("Enter")
    dialog = page.get_by_role("dialog", name="Archive Tasting evenings?")
    await expect(dialog).to_contain_text("Open forms for it are closed")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await page.get_by_role("link", name="Archive").click()
    await dialog.get_by_role("button", name="Archive").click()
    await expect(page.locator("#said")).to_contain_text("is archived")
    await page.get_by_role("link", name="View Tasting evenings").click()
    await page.get_by_role("button", name="Restore").click()
    await expect(page.locator("#said")).to_contain_text("Tasting evenings is back.")
    await expect(page.get_by_role("link", name=re.compile("^Live"))).to_have_attribute("aria-current", "page")


async def test_without_javascript_all_of_it_works(look: Look, server: TestServer) -> None:
    page = await look(server, f"/login?next={LIST}/new", java_script_enabled=False)
    await page.get_by_label("Email").fill("ada@example.com")
    await page.get_by_label("Password").fill("demo")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Name").fill("Plain news")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.frame_locator("#preview").get_by_role("heading", name="Plain news")).to_be_visible()
    await page.get_by_role("button", name="Save and close").click()
    await page.get_by_role("link", name="Archive Plain news").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Archive Plain news?")
    await page.get_by_role("button", name="Archive").click()
    await expect(page.locator("#said")).to_contain_text("Plain news is archived.")


async def test_an_open_card_closes_when_its_subscription_is_archived(
    look: Look, visit: Visit, server: TestServer
) -> None:
    chat = await visit(server)
    await chat.open()
    await expect(chat.card).to_have_attribute("data-state", "open")
    page = await signed_in(look, server, f"{LIST}/{DEALS}/archive")
    await page.get_by_role("button", name="Archive").click()
    await expect(chat.card).to_have_attribute("data-state", "closed")


async def test_an_agent_is_told_who_can(look: Look, server: TestServer) -> None:
    page = await look(server, f"/login?next={LIST}", allow=(r"\b403\b",))
    await page.get_by_label("Email").fill("ben@example.com")
    await page.get_by_label("Password").fill("demo")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("You don't have access to this page")
    await expect(page.get_by_role("link", name="Settings")).to_have_count(0)


@pytest.mark.parametrize("path", ["", "/new", f"/{DEALS}", f"/{DEALS}/archive", "/preview", "/preview/page"])
async def test_the_pages_have_no_fault_that_axe_finds(look: Look, server: TestServer, path: str) -> None:
    page = await signed_in(look, server, LIST + path)
    if path == f"/{DEALS}":
        for summary in await page.locator(".translation > summary").all():
            await summary.click()
    for scheme, width, height in axe.LOOKS:
        await wear(page, scheme, width, height)
        if path == f"/{DEALS}":  # at its end the sticky row of buttons covers no other one
            await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        assert await axe.faults(page, scheme) == [], f"{scheme} {width}"
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        if account := await page.locator(".me > summary").all():
            await expect(account[0]).to_be_in_viewport(ratio=1)
    assert re.search("Deals|[Ss]ubscription|[Pp]review|Archive", await page.title())
