"""An outbound message in a browser: written, previewed, sent to a phone; its link opts out; the report says it all."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from bot.app import Bot
from bot.demo import DEALS
from bot.model.base import new_id
from bot.model.contact import Contact
from tests.browser import axe
from tests.browser.conftest import Look
from tests.browser.desk import signed_in
from tests.browser.shop import wear
from tests.people import change, person
from tests.widget.desk import BEN

pytestmark = pytest.mark.browser

NUMBER = "+12015550123"


async def maya(bot: Bot) -> Contact:
    """She opted in; Ben beside her didn't."""
    contact, other = person(new_id(), name="Maya Lee", phone=NUMBER), person(new_id(), name="Ben", phone="+12015550124")
    await bot.store.contacts.insert_many([contact, other])
    await bot.ledger.record(change(contact.id, new_id(), number=NUMBER))
    return contact


async def fits(page: Page) -> None:
    for scheme, width, height in axe.LOOKS:
        await wear(page, scheme, width, height)
        assert await axe.faults(page, scheme) == [], f"{scheme} {width}"
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await wear(page, "light", 1280, 900)


async def opened_by_ben(look: Look, server: TestServer, bot: Bot, page: Page) -> Page:
    """His page of the same draft. Both see that the other has it open."""
    await bot.store.teammates.update({"email": BEN}, {"$set": {"role": "admin"}})
    theirs = await signed_in(look, server, urlsplit(page.url).path, BEN)
    await expect(page.locator("#also-here")).to_have_text("Also editing: Ben")
    await expect(theirs.locator("#also-here")).to_have_text("Also editing: Ada")
    return theirs


async def test_a_message_goes_from_the_composer_to_a_phone_and_its_link_opts_out(
    look: Look, server: TestServer, bot: Bot
) -> None:
    contact = await maya(bot)
    page = await signed_in(look, server, "/outbound")
    await fits(page)
    await page.get_by_role("button", name="New text message").click()
    await expect(page).to_have_url(re.compile(r"/outbound/[0-9a-f]{24}$"))
    saved, audience = page.locator(".outbound-saved"), page.locator(".outbound-total")
    await page.get_by_label("Subscription", exact=True).select_option(DEALS)
    await expect(audience).to_have_text("1 person would get it now.")

    # The filter of the contacts, in place.
    await page.get_by_label("Audience", exact=True).select_option("filter")
    await page.get_by_role("link", name="Add filter").click()
    await page.get_by_role("link", name="US state").click()
    await page.get_by_label("NY", exact=True).check()
    await page.get_by_role("button", name="Apply filter").click()
    await expect(page.locator(".chip")).to_have_text("US state is NY")
    await expect(audience).to_have_text("Nobody would get it now.")
    await fits(page)
    await page.get_by_role("link", name="Remove filter: US state is NY").click()
    await expect(audience).to_have_text("1 person would get it now.")
    await page.get_by_label("Name", exact=True).fill("June roast")
    await page.get_by_label("Message", exact=True).fill("Harbor Coffee: Hi {{first_name|there}}, it’s back.")
    await expect(page.locator(".phone-bubble")).to_contain_text("Hi Maya, it’s back.")
    await expect(saved).to_contain_text("Saved")
    await fits(page)

    # The apostrophe makes it longer than it needs to be.
    await page.get_by_role("button", name="Replace them").click()
    await expect(page.get_by_label("Message", exact=True)).to_have_value(re.compile("it's back"))
    await expect(page.locator(".phone-bubble")).to_contain_text("Hi Maya, it's back.")

    # A teammate opens it, too: each sees the other. When one saves, the other gets a notice and can't overwrite it.
    theirs = await opened_by_ben(look, server, bot, page)
    await theirs.get_by_label("Name", exact=True).fill("July roast")
    await expect(theirs.locator("h1")).to_have_text("July roast")
    await expect(theirs).to_have_title(re.compile("^July roast · "))
    newer = page.locator("#newer")
    await expect(newer).to_contain_text("Someone else changed this message.")
    await expect(theirs.locator("#newer")).to_be_empty()
    await fits(page)
    await page.get_by_label("Name", exact=True).fill("August roast")
    await expect(page.locator("#side")).to_contain_text("Someone else changed this message.")
    await page.reload()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("July roast")
    await expect(newer).to_be_empty()
    await theirs.close()
    await expect(page.locator("#also-here")).to_have_text("")

    await page.get_by_role("button", name="Review and send").click()
    await expect(audience).to_have_text("1 person would get it now.")
    await fits(page)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator("#delivery [role=status]")).to_have_text("Sent")
    await expect(page.locator(".outbound-results li").first).to_contain_text("Sent")
    await fits(page)

    # What she got opens her preferences, where she opts out.
    (text,) = [text.body for text in await bot.phone.texts(NUMBER) if "back" in text.body]
    assert text.startswith("Harbor Coffee: Hi Maya, it's back.")
    link = re.search(r"/p/\S+", text)
    assert link
    phone = await look(server, link[0])
    switch = phone.get_by_role("switch", name="Deals and new roasts")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "false")

    # Now nobody would get another one.
    await page.get_by_role("button", name="Duplicate").click()
    await expect(audience).to_have_text("Nobody would get it now.")
    await expect(page.locator(".bulk-outcomes")).to_contain_text("Opted out")
    await expect(page.locator(".bulk-outcomes").get_by_role("link", name="Maya Lee")).to_have_attribute(
        "href", f"/contacts/{contact.id}"
    )
