"""Settings > Brand and compliance in a browser: what is changed there is what people see."""

from __future__ import annotations

from pathlib import Path

from aiohttp.test_utils import TestServer
from playwright.async_api import Locator, Page, expect

from bot.app import Bot
from bot.model.subscription import MessageType
from tests.browser import axe
from tests.browser.conftest import Look, Visit
from tests.browser.desk import signed_in
from tests.browser.shop import base, wear
from tests.conftest import TOLD
from widget.web.http import BOT

PATH = "/settings/brand"
RED = "rgb(179, 38, 30)"


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("#said")).to_contain_text("Saved.")


async def is_drawn(picture: Locator) -> None:
    await expect(picture).to_be_visible()
    assert await picture.evaluate("async (img) => { await img.decode(); return img.naturalWidth > 0 }")


async def test_what_is_changed_here_is_what_people_see(look: Look, visit: Visit, server: TestServer) -> None:
    page = await signed_in(look, server, PATH)
    seen = page.frame_locator("#preview")

    # The preview follows; a fault stands at its field, and what was typed stays.
    await page.get_by_label("Name", exact=True).fill("Harbor & Sons")
    await page.get_by_label("Brand color").fill("#b3261e")
    await expect(seen.get_by_role("heading", name="Harbor & Sons")).to_be_visible()
    await expect(seen.locator(".card-button")).to_have_css("background-color", RED)
    await page.get_by_label("Support contact").fill("somewhere")
    await page.keyboard.press("Enter")
    await expect(page.locator("#support-error")).to_contain_text("an email address, phone number or web address")
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Harbor & Sons")
    await page.get_by_label("Support contact").fill("+1 800 555 0199")

    # Countries, by keyboard: the default one is always among them.
    await page.locator("[data-countries] > summary").press("Enter")
    await page.get_by_label("Find a country").fill("aus")
    await page.get_by_role("checkbox", name="Austria").press("Space")
    await expect(page.locator("[data-chosen]")).to_contain_text("Austria, Canada")
    await page.get_by_label("Default country").select_option("DE")
    await expect(page.locator("[data-chosen]")).to_contain_text("Germany")

    # The checker names a lack; the sentence is inserted; it is gone.
    legal = page.get_by_label("Legal text for new forms")
    checker = page.locator("[data-checker=legal_text]")
    await legal.fill("Hello.")
    await expect(checker).to_contain_text("12 requirements are missing")
    while await checker.locator("[data-insert]").count():
        insert = checker.locator("[data-insert]").first
        sentence = await insert.get_attribute("data-insert")
        await insert.press("Enter")
        await expect(checker.locator(f'[data-insert="{sentence}"]')).to_have_count(0)
    await expect(page.locator("[data-checker-said]")).to_have_text("All requirements met.")
    await expect(legal).to_be_focused()
    await expect(checker).to_contain_text("All requirements met.")
    await expect(seen.locator(".card-legal")).to_contain_text("Consent is not a condition of purchase.")
    await save(page)

    # A logo: no picture is refused, a picture is shown.
    picture = await page.locator(".logo-panel .avatar").screenshot()
    for name, data in (("logo.svg", b"<svg/>"), ("logo.png", picture)):
        await page.get_by_label("Image").set_input_files({"name": name, "mimeType": "image/png", "buffer": data})
        await page.get_by_role("button", name="Save logo").click()
        if data != picture:
            await expect(page.locator("#logo-error")).to_contain_text("Unsupported image")
    await expect(page.locator("#said")).to_contain_text("Logo saved.")
    await is_drawn(page.locator(".bar-brand img"))

    # People see it: in the chat, and in the preference center.
    chat = await visit(server)
    await chat.open()
    await expect(chat.frame.locator("#name")).to_have_text("Harbor & Sons")
    await expect(chat.card.locator(".card-button")).to_have_css("background-color", RED)
    await is_drawn(chat.frame.locator(".bar img"))
    await chat.say("Hello")  # the first act stores the visitor
    await expect(chat.sent("Hello")).to_be_visible()
    bot: Bot = server.app[BOT]
    (contact,) = await bot.store.contacts.find({}, limit=2)
    center = await look(server, f"/p/{await bot.preferences.make_link(contact.id, MessageType.SMS)}")
    await expect(center.get_by_text("Harbor & Sons")).to_be_visible()
    await is_drawn(center.locator(".avatar img"))
    await expect(center.get_by_role("link", name="+1 800-555-0199")).to_have_attribute("href", "tel:+18005550199")

    await page.get_by_role("button", name="Remove logo").click()
    await expect(page.locator(".bar-brand .avatar")).to_have_text("H")


async def test_without_javascript_all_of_it_works(look: Look, server: TestServer) -> None:
    page = await signed_in(look, server, PATH, java_script_enabled=False)
    await page.get_by_label("Name", exact=True).fill("Plain")
    await page.locator("[data-countries] > summary").click()
    await page.get_by_role("checkbox", name="Austria").check()
    await page.get_by_label("Legal text for new forms").fill("Reply STOP to opt out.")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.frame_locator("#preview").get_by_role("heading", name="Plain")).to_be_visible()
    async with page.context.expect_page() as opened:
        await page.get_by_role("button", name="Check").click()
    answer = await opened.value
    await expect(answer.locator("blockquote")).to_have_text("Reply STOP to opt out.")
    await expect(answer.locator(".checker")).to_contain_text("HELP instructions")
    await save(page)
    await expect(page.locator("[data-chosen]")).to_contain_text("Austria")


async def test_it_reads_well_in_every_light_and_width(look: Look, server: TestServer) -> None:
    page = await signed_in(look, server, PATH)
    await page.locator("[data-countries] > summary").click()
    alike = page.locator(".countries-list > li:nth-child(n + 12)")  # axe takes half a minute for all of them
    await alike.evaluate_all("rows => rows.forEach((row) => row.remove())")
    await page.get_by_label("Legal text for new forms").fill("Reply STOP to opt out. Msg & data rates may apply.")
    await expect(page.locator(".checker-head")).to_contain_text("missing")
    await page.locator(".checker-has > summary").click()
    await page.get_by_label("Terms", exact=False).first.fill("nowhere")
    for scheme, width, height in axe.LOOKS:
        await wear(page, scheme, width, height)
        assert await axe.faults(page, scheme) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (scheme, width)
        if folder := TOLD.get("SAYSO_TEST_PICTURES"):
            await page.screenshot(path=Path(folder) / f"brand-{width}-{scheme}.png", full_page=True)
    await page.goto(base(server) + f"{PATH}/preview")
    for scheme, width, height in axe.LOOKS:
        await wear(page, scheme, width, height)
        assert await axe.faults(page, scheme) == []
