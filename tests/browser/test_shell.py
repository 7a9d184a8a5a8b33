"""The teammates' shell in a browser: in, about by keyboard, out; and no page with a fault that axe finds."""

from __future__ import annotations

from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from tests.browser import axe
from tests.browser.conftest import Look
from tests.browser.desk import signed_in
from tests.browser.shop import base, wear


async def test_in_about_and_out(look: Look, server: TestServer) -> None:
    page = await look(server, "/inbox", allow=("Autofocus processing", r"\b422\b"))
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Sign in to Harbor Coffee")
    await page.get_by_label("Email").fill("ada@example.com")
    await page.get_by_label("Password").fill("not it")
    await page.get_by_label("Password").press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Incorrect email or password")
    await expect(page.get_by_label("Email")).to_have_value("ada@example.com")
    await page.get_by_label("Password").fill("demo")
    await page.get_by_label("Password").press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Inbox")

    # By keyboard alone: the skip link, the navigation, the account.
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.get_by_role("link", name="Settings").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Settings")).to_have_attribute("aria-current", "page")
    await page.wait_for_load_state()  # its scripts hear the keys

    # The command to search.
    await page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Search")
    await expect(field).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#command[open]")).to_have_count(0)
    await page.wait_for_function("document.activeElement === document.body")  # the field of a closed dialog hears none
    await page.keyboard.press("/")
    await expect(field).to_be_focused()
    await field.fill("deals")
    option = page.get_by_role("option", name="Deals and new roasts")
    await expect(option).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Deals and new roasts")

    await page.locator(".me > summary").press("Enter")
    await page.get_by_role("button", name="Sign out").press("Enter")
    await expect(page.get_by_text("You're signed out.")).to_be_visible()
    await page.goto(base(server) + "/inbox")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Sign in")


async def test_its_pages_have_no_fault_that_axe_finds(look: Look, server: TestServer) -> None:
    outside = await look(server, "/login", allow=("Autofocus processing",))
    page = await signed_in(look, server, "/inbox")
    for path in ("/inbox", "/contacts", "/outbound", "/bots", "/search?q=deals", "/settings/styleguide"):
        await page.goto(base(server) + path)
        for scheme, width, height in axe.LOOKS:
            await wear(page, scheme, width, height)
            assert await axe.faults(page, scheme) == [], f"{path} {scheme} {width}"
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
    for scheme, width, height in axe.LOOKS:
        await wear(outside, scheme, width, height)
        assert await axe.faults(outside, scheme) == [], f"/login {scheme} {width}"


async def test_on_a_phone_the_account_is_in_the_bar(look: Look, server: TestServer) -> None:
    page = await signed_in(look, server, "/inbox")
    await page.set_viewport_size({"width": 360, "height": 740})
    box = await page.locator(".me > summary").bounding_box()
    assert box
    assert (box["x"] > 290, box["y"] < 10) == (True, True)
    await page.locator(".me > summary").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_in_viewport()
