"""An import in a browser, with the keyboard: the file, its columns, its bad rows, the fixed file, and the undo."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Locator, Page, expect

from bot.app import Bot
from bot.demo import DEALS
from bot.model.base import new_id
from bot.model.contact import Contact
from tests.browser.axe import fits
from tests.browser.conftest import Look
from tests.browser.desk import signed_in

pytestmark = pytest.mark.browser


async def press(control: Locator) -> None:
    """By keyboard."""
    await control.focus()
    await control.press("Enter")


async def upload(page: Page, file: Path) -> None:
    await page.get_by_label("File", exact=True).set_input_files(file)
    await press(page.get_by_role("button", name="Upload"))
    await expect(page.get_by_role("heading", name="Columns")).to_be_visible()


async def check(page: Page) -> Locator:
    """The result of the check."""
    await press(page.get_by_role("button", name="Check file"))
    await expect(page.get_by_role("button", name="Import contacts")).to_be_visible()
    return page.locator("#check")


async def run(page: Page) -> None:
    await press(page.get_by_role("button", name="Import contacts"))
    await expect(page.locator("summary", has_text="Undo import")).to_be_visible()


async def named(bot: Bot, name: str) -> Contact | None:
    return next(iter(await bot.store.contacts.find({"name": name}, limit=2)), None)


async def test_a_file_is_mapped_checked_fixed_and_taken_back(
    look: Look, server: TestServer, bot: Bot, tmp_path: Path
) -> None:
    ada, ben = f"Ada {new_id()}", f"Ben {new_id()}"
    file, fixed = tmp_path / "list.csv", tmp_path / "fixed.csv"
    file.write_text(f"Name,Mobile no,Shoe size\n{ada},(201) 555-0181,38\n{ben},555,44\n")
    page = await signed_in(look, server, "/contacts/imports")
    await fits(page)
    await upload(page, file)

    # No column says whom a row is about.
    await press(page.get_by_role("button", name="Check file"))
    await expect(page.get_by_role("alert")).to_contain_text("Choose the column with the phone number")
    await fits(page)
    column = page.get_by_label("What Mobile no contains")
    await column.focus()
    await page.keyboard.type("Phone")
    await expect(column).to_have_value("phone")
    await page.get_by_label("Everyone in this file opted in to").select_option(DEALS)
    for toggle in ("Ask each person to confirm by text", "Send the confirmation text", "Resume waiting bots"):
        await expect(page.get_by_label(toggle)).not_to_be_checked()
    way = page.get_by_role("radio", name="On paper")
    await way.focus()
    await way.press("Space")
    checked = await check(page)
    await expect(checked).to_contain_text("No messages are sent.")
    await expect(checked.locator("tbody tr")).to_have_count(1)
    await fits(page)
    await run(page)
    contact = await named(bot, ada)
    assert contact
    assert (contact.phone, [c.subscription for c in contact.consents]) == ("+12015550181", [DEALS])
    await fits(page)

    # The row that failed, fixed.
    async with page.expect_download() as download:
        await press(page.get_by_role("link", name="Download rows to fix"))
    rows = (await (await download.value).path()).read_text(encoding="utf-8-sig")
    fixed.write_text(rows.replace(",555,", ",2015550182,"))
    await press(page.get_by_role("link", name="All imports"))
    await upload(page, fixed)
    await page.get_by_label("What Mobile no contains").select_option("phone")
    await check(page)
    await run(page)
    assert await named(bot, ben)

    # Taken back.
    await page.get_by_role("link", name="All imports").click()
    await page.get_by_role("link", name="fixed.csv").click()
    await press(page.locator("summary", has_text="Undo import"))
    await press(page.get_by_role("button", name="Undo import"))
    await expect(page.locator(".job").first).to_contain_text("Import undo")
    await expect(page.locator("[hx-get$='/wait']")).to_have_count(0)  # the page is loaded anew at the end
    assert await named(bot, ben) is None
    assert await named(bot, ada), "the other import stays"
    await fits(page)
