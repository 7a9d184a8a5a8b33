"""A contact's profile in a browser: it changes when the person opts out, and is edited, merged and erased."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from bot.app import Bot
from bot.demo import DEALS
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.event import Action
from tests.browser.axe import fits
from tests.browser.conftest import Look
from tests.browser.desk import signed_in
from tests.people import change

pytestmark = pytest.mark.browser

NUMBER = "+12015550123"


async def person(bot: Bot, name: str) -> Contact:
    time = now()
    made = Contact(id=new_id(), name=name, created_at=time, updated_at=time)
    await bot.store.contacts.insert(made)
    await bot.ledger.record(change(made.id, new_id(), number=NUMBER))
    return made


async def test_an_open_profile_changes_and_is_edited_merged_and_erased(
    look: Look, server: TestServer, bot: Bot
) -> None:
    maya, other = await person(bot, "Maya Okafor"), await person(bot, "Maya O")
    page = await signed_in(look, server, f"/contacts/{maya.id}")
    await expect(page.locator("#profile")).to_have_attribute("data-line", "live")
    deals = page.locator(f'#verdicts [data-subscription="{DEALS}"]')
    await expect(deals).to_have_attribute("data-allowed", "yes")
    await fits(page)

    # They opt out elsewhere.
    await bot.ledger.record(change(maya.id, new_id(), Action.OPT_OUT))
    await expect(deals).to_have_attribute("data-allowed", "no")
    await expect(page.locator(f"#cp-switch-{DEALS}")).to_have_attribute("aria-checked", "false")
    await expect(page.locator("#timeline > li").first).to_contain_text("Opted out")

    # Another number is warned of where a yes would be lost.
    await page.goto(str(server.make_url(f"/contacts/{other.id}/edit")))
    await page.get_by_label("Mobile number").fill("(201) 555-0124")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#confirmed-error")).to_be_visible()
    await fits(page)
    await page.get_by_label("Change it anyway").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#said")).to_contain_text("Saved.")
    await expect(deals).to_contain_text("a different number")

    # The two are one person.
    await page.goto(str(server.make_url(f"/contacts/{maya.id}")))
    await page.get_by_label("More", exact=True).click()
    await page.get_by_role("link", name="Merge with another contact").click()
    await page.get_by_label("Find the other contact").fill("Maya O")
    await page.get_by_role("button", name="Search").last.click()
    await page.get_by_role("link", name="Maya O", exact=True).click()
    await expect(page.get_by_role("table")).to_contain_text("Opted out")
    await fits(page)
    await page.get_by_label("Type MERGE to confirm").fill("MERGE")
    await page.get_by_role("button", name="Merge contacts").click()
    await expect(page.locator("#said")).to_contain_text("Contacts merged.")

    await page.goto(str(server.make_url(f"/contacts/{maya.id}/erase")))
    await fits(page)
    await page.get_by_label("Type ERASE to confirm").fill("erase")
    await page.get_by_role("button", name="Erase contact").click()
    await expect(page.locator("#said")).to_contain_text("erased")
    await page.goto(str(server.make_url(f"/contacts/{maya.id}")))
    await expect(page.locator(".cp-history")).to_contain_text("Personal data erased")
    await fits(page)
