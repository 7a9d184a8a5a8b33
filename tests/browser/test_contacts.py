"""The contacts list in a browser: filter, save as a segment, select, watch a row change; by keyboard; axe."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from bot.app import Bot
from bot.demo import DEALS
from bot.model.base import new_id, now
from bot.model.contact import Contact, Role
from bot.model.event import Action
from tests.browser.axe import fits
from tests.browser.conftest import Look
from tests.browser.desk import signed_in
from tests.browser.shop import base, wear
from tests.people import change

pytestmark = pytest.mark.browser

NUMBER = "+12015550123"


async def people(bot: Bot, number: int = 60) -> list[Contact]:
    """The newest first, as in the list; leads but for every third."""
    time = now()
    contacts = [
        Contact(
            id=new_id(),
            name=f"Person {i:02}",
            role=Role.USER if i % 3 == 0 else Role.LEAD,
            created_at=time - timedelta(minutes=i),
            updated_at=time,
        )
        for i in range(number)
    ]
    await bot.store.contacts.insert_many(contacts)
    await bot.ledger.record(change(contacts[1].id, new_id(), number=NUMBER))
    return contacts


async def live(page: Page) -> None:
    await expect(page.locator("#contacts")).to_have_attribute("data-line", "live")


async def test_a_filter_is_built_saved_as_a_segment_and_its_rows_are_live(
    look: Look, server: TestServer, bot: Bot
) -> None:
    contacts = await people(bot)
    page = await signed_in(look, server, "/contacts", "ben@example.com")
    await expect(page.locator(".selection-count")).to_have_text("60 contacts")
    await fits(page)

    # A condition, which needs a state.
    dialog, chips = (
        page.get_by_role("dialog", name=re.compile("Add filter|Subscription opt-ins|Role")),
        page.locator(".chip"),
    )
    await page.get_by_role("link", name="Add filter").click()
    await dialog.get_by_role("link", name="Subscription opt-ins").click()
    await dialog.get_by_label("Subscription", exact=True).select_option(DEALS)
    await dialog.get_by_role("button", name="Apply filter").click()
    await expect(dialog.locator("#states-error")).to_have_text("Choose at least one.")
    await fits(page)
    await dialog.get_by_label("Opted in").check()
    await dialog.get_by_role("button", name="Apply filter").click()
    await expect(chips).to_have_text(["Deals and new roasts opted in"])
    row = page.locator("tr[data-id]")
    await expect(row).to_have_count(1)
    await expect(row.locator(".badge", has_text="Opted in")).to_be_visible()

    # Another one, and "or" instead of "and".
    await page.get_by_role("link", name="Add filter").click()
    await dialog.get_by_role("link", name="Role").click()
    await dialog.get_by_label("User").check()
    await dialog.get_by_role("button", name="Apply filter").click()
    await expect(page.get_by_role("heading", name="No contacts match")).to_be_visible()
    await page.get_by_role("link", name="and (change to or)").click()
    await expect(page.locator(".selection-count")).to_have_text("21 contacts")
    await fits(page)
    await page.get_by_role("link", name="Remove filter: Role is User").click()
    await expect(chips).to_have_count(1)

    # A segment, which somebody else opens by its link.
    await page.get_by_role("link", name="Save as segment").click()
    await page.get_by_role("button", name="Save segment").click()
    await expect(page.get_by_role("dialog", name="Save as segment").get_by_label("Name")).to_have_attribute(
        "aria-invalid", "true"
    )
    await page.get_by_role("dialog", name="Save as segment").get_by_label("Name").fill("Want deals")
    await page.get_by_role("button", name="Save segment").click()
    await expect(page.locator(".views-current")).to_have_text("Want deals")
    await page.get_by_role("link", name="Segment details").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Want deals")
    await fits(page)
    await page.goto(base(server) + "/contacts/segments")
    await fits(page)
    await page.get_by_role("link", name="Want deals", exact=True).click()
    await expect(page.locator(".views-current")).to_have_text("Want deals")
    other = await signed_in(look, server, page.url.removeprefix(base(server)))
    await live(other)
    await bot.ledger.record(change(contacts[1].id, new_id(), Action.OPT_OUT, number=NUMBER))
    await expect(other.locator("tr[data-id] .badge", has_text="Opted out")).to_be_visible()
    if renamed := await bot.ledger.contact(contacts[1].id):
        await bot.contacts.set_values(renamed, {"name": "Renamed"})
    await expect(other.locator("tr[data-id] th")).to_contain_text("Renamed")

    # Who is new is counted, and no row moves until they are asked for.
    new = Contact(id=new_id(), name="Newcomer", created_at=now(), updated_at=now())
    await page.goto(base(server) + "/contacts")
    await live(page)
    await bot.store.contacts.insert(new)
    bar = page.get_by_role("link", name="1 new contact")
    await expect(bar).to_be_visible()
    await expect(page.locator("tr[data-id]").first).to_contain_text("Person 00")
    await fits(page)
    await bar.click()
    await expect(page.locator("tr[data-id]").first).to_contain_text("Newcomer")

    # Columns, in another order, by keyboard: they stay for this teammate.
    await page.get_by_text("Columns", exact=True).first.click()
    await page.get_by_role("checkbox", name="Email").check()
    up = page.get_by_role("button", name="Move Email up")
    for _ in range(12):
        await up.press("Enter")
    await fits(page)
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator("thead th").nth(1)).to_have_text("Email")
    await page.goto(base(server) + "/contacts")
    await expect(page.locator("thead th").nth(1)).to_have_text("Email")
    await other.reload()
    await expect(other.get_by_role("heading", name="No contacts match")).to_be_visible()


async def test_rows_are_selected_by_keyboard_and_mouse(look: Look, server: TestServer, bot: Bot) -> None:
    contacts = await people(bot)
    page = await signed_in(look, server, "/contacts")
    boxes, words = page.locator("[name=id]"), page.locator("#selected")
    await expect(boxes).to_have_count(50)
    await page.wait_for_load_state()  # its scripts hear the keys

    # By keyboard: down, select, extend, clear.
    for key in ("j", "j", "x", "Shift+J", "ArrowDown", "Shift+ArrowDown"):
        await page.keyboard.press(key)
    await expect(boxes.nth(4)).to_be_focused()
    await expect(words).to_have_text("4 selected")
    await page.keyboard.press("Escape")
    await expect(words).to_have_text("")
    await page.keyboard.press("k")
    await page.keyboard.press("Space")
    await expect(boxes.nth(3)).to_be_checked()

    # By mouse: a range.
    await boxes.nth(7).click(modifiers=["Shift"])
    await expect(words).to_have_text("5 selected")

    # All that are shown, more of them, and all that match.
    await page.get_by_label("Select all shown").check()
    await expect(words).to_have_text("50 selected")
    everyone = page.locator("[name=everyone]")
    await expect(everyone).to_be_disabled()
    await page.get_by_role("button", name="Select all 60").click()
    await expect(words).to_have_text("All that match are selected")
    await expect(everyone).to_be_enabled()
    await page.get_by_role("link", name="Show more").click()
    await expect(boxes).to_have_count(60)
    await expect(boxes.nth(59)).to_be_checked()
    await boxes.nth(59).uncheck()
    await expect(words).to_have_text("59 selected")
    await expect(everyone).to_be_disabled()

    # A row that changes stays selected.
    await live(page)
    await bot.ledger.record(change(contacts[2].id, new_id(), number=NUMBER))
    await expect(page.locator(f"#contact-{contacts[2].id} .badge", has_text="Opted in")).to_be_visible()
    await expect(words).to_have_text("59 selected")
    await expect(boxes.nth(2)).to_be_checked()

    # An action for all of them: a preview, a progress bar, and the rows behind it change.
    more, dialog = page.locator("#selection summary"), page.locator("#editor")
    await more.click()
    await page.get_by_role("button", name="Unsubscribe users").click()
    await dialog.get_by_label("Subscription").select_option(DEALS)
    await dialog.get_by_role("button", name="Preview").click()
    await expect(dialog.get_by_role("list", name="Preview")).to_be_visible()
    await fits(page)
    await dialog.get_by_role("button", name="Unsubscribe", exact=True).click()
    await expect(dialog.get_by_role("status").filter(has_text="Done")).to_be_visible()
    await expect(page.locator(f"#contact-{contacts[1].id} .badge", has_text="Opted out")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(more).to_be_focused()
    await expect(words).to_have_text("59 selected")


async def test_in_arabic_nothing_is_wider_than_the_screen(look: Look, server: TestServer, bot: Bot) -> None:
    await people(bot, 3)
    page = await signed_in(look, server, "/contacts", locale="ar")
    assert await page.evaluate("document.documentElement.dir") == "rtl"
    await fits(page)
    await page.locator("#add-filter").click()
    await page.locator("dialog[open] a").first.click()
    await expect(page.locator("dialog[open] form")).to_be_visible()
    await fits(page)

    # A menu stays on a narrow screen wherever its button is.
    await page.keyboard.press("Escape")
    await wear(page, "light", 360, 740)
    await page.locator("#select-shown").check()
    await page.locator("#selection summary").click()
    await expect(page.locator("#selection .menu-list")).to_be_in_viewport(ratio=1)


async def test_a_segment_is_selected_and_subscribed_with_live_progress(
    look: Look, server: TestServer, bot: Bot
) -> None:
    time = now()
    contacts = [
        Contact(
            id=new_id(),
            name=f"Person {i:02}",
            phone=f"+1201555{i:04}",
            created_at=time - timedelta(minutes=i),
            updated_at=time,
        )
        for i in range(60)
    ]
    await bot.store.contacts.insert_many(contacts)
    said_no = contacts[1]
    await bot.ledger.record(change(said_no.id, new_id(), Action.OPT_IN, number=said_no.phone))
    await bot.ledger.record(change(said_no.id, new_id(), Action.OPT_OUT, number=said_no.phone))
    await bot.store.contacts.insert(Contact(id=new_id(), name="No number", created_at=time, updated_at=time))
    page = await signed_in(look, server, "/contacts")
    await page.get_by_role("link", name="Add filter").click()
    await page.locator("#editor").get_by_role("link", name="Phone number").click()
    await page.locator("#editor").get_by_role("button", name="Apply filter").click()
    await page.get_by_role("link", name="Save as segment").click()
    await page.get_by_role("dialog", name="Save as segment").get_by_label("Name").fill("With a number")
    await page.get_by_role("button", name="Save segment").click()
    await expect(page.locator(".views-current")).to_have_text("With a number")
    profile = await signed_in(look, server, f"/contacts/{contacts[2].id}")
    await expect(profile.locator("#profile")).to_have_attribute("data-line", "live")
    await live(page)
    await page.get_by_label("Select all shown").check()
    await page.get_by_role("button", name="Select all 60").click()
    await page.locator(".selection-bar summary").click()
    await page.get_by_role("button", name="Subscribe users", exact=True).click()

    dialog = page.locator("#editor")
    await expect(dialog.get_by_role("heading", level=2)).to_have_text("Subscribe users")
    await expect(dialog.locator(".bulk-count")).to_have_text("Selected: 60")
    await dialog.get_by_label("Subscription", exact=True).select_option(DEALS)
    await dialog.get_by_role("button", name="Preview").click()
    await expect(dialog.locator("#how-error")).to_have_text("Choose how they consented.")
    await fits(page)
    await dialog.get_by_label("On paper").check()
    await dialog.get_by_label("When did they consent?").fill("2026-11-01T09:30")
    await dialog.get_by_role("button", name="Preview").click()
    await expect(dialog.locator(".bulk-outcome")).to_have_text(
        [re.compile("59\\s+Will be subscribed"), re.compile("1\\s+Opted out")]
    )
    await fits(page)
    await dialog.get_by_role("button", name="Back").click()
    await expect(dialog.get_by_label("On paper")).to_be_checked()
    await dialog.get_by_role("button", name="Preview").click()
    await dialog.get_by_role("button", name="Subscribe", exact=True).click()

    await expect(dialog.locator(".job").get_by_role("status")).to_have_text("Done")
    await expect(dialog.locator(".job-words")).to_contain_text("60 of 60")
    await fits(page)
    await dialog.get_by_role("button", name="Close").click()
    row = page.locator(f"#contact-{contacts[0].id}")
    await expect(row.locator(".badge", has_text="Opted in")).to_be_visible()
    await expect(page.locator(f"#contact-{said_no.id} .badge", has_text="Opted out")).to_be_visible()
    await expect(profile.locator(f'#verdicts [data-subscription="{DEALS}"]')).to_have_attribute("data-allowed", "yes")
    await expect(profile.locator("#timeline > li").first).to_contain_text("Ada recorded consent on paper")
