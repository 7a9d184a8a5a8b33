"""The settings of the workspace in a browser: teammates, tokens, sessions and passkeys, each in one journey."""

from __future__ import annotations

import re

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from tests.browser import axe
from tests.browser.conftest import Look
from tests.browser.desk import signed_in
from tests.browser.shop import base, wear
from tests.conftest import eventually
from tests.widget.desk import ADA
from widget.web.http import BOT

pytestmark = pytest.mark.slow

WEBHOOKS, INTERCOM = "/settings/webhooks", "/settings/intercom"
PASSWORD = "lantern orchid gravel 7"
TEAM, TOKENS, AUDIT, SIGN_IN = (
    "/settings/teammates",
    "/settings/tokens",
    "/settings/audit",
    "/settings/profile/sign-in",
)
USUAL = ("Autofocus processing", r"\b422\b", r"\b403\b", r"\b404\b")


async def test_a_teammate_is_invited_joins_becomes_an_admin_and_is_removed(look: Look, server: TestServer) -> None:
    ada = await signed_in(look, server, TEAM)
    await ada.get_by_label("Email").fill("cy@shop.example")
    await ada.get_by_role("button", name="Create invitation").click()
    link = await ada.get_by_label("Invitation link for cy@shop.example").input_value()

    cy = await look(server, link.removeprefix(base(server)), allow=USUAL)
    await cy.get_by_label("Your name").fill("Cy Young")
    await cy.get_by_label("Password").fill("password1234")
    await cy.get_by_role("button", name="Join").click()
    await expect(cy.locator("#password-error")).to_contain_text("easy to guess")
    await cy.get_by_label("Password").fill(PASSWORD)
    await cy.get_by_role("button", name="Join").click()
    await expect(cy.get_by_role("heading", level=1)).to_have_text("Inbox")
    await expect(cy.get_by_role("link", name="Settings")).to_have_count(0)

    # The role changes while they are signed in.
    await ada.goto(base(server) + TEAM)
    await ada.get_by_role("link", name="Manage Cy Young").click()
    await ada.locator("[name=role][value=admin]").check()
    await ada.get_by_role("region", name="Role").get_by_role("button", name="Save").click()
    await expect(ada.locator("#said")).to_contain_text("Cy Young's role was updated.")
    await cy.reload()
    await cy.get_by_role("link", name="Settings").click()
    await expect(cy.get_by_role("heading", level=1)).to_have_text("Subscriptions")

    # Removed: signed out at the next click.
    await ada.locator("summary", has_text="Remove Cy Young").click()
    await ada.get_by_role("button", name="Remove", exact=True).click()
    await expect(ada.locator("#said")).to_contain_text("Cy Young is removed.")
    await cy.reload()
    await expect(cy).to_have_url(re.compile("/login"))

    # All of it is in the log.
    await ada.get_by_role("link", name="Audit log").click()
    actions = ada.locator("tbody th")
    for action in ("Removed a teammate", "Changed a role", "Joined the workspace", "Invited a teammate"):
        await expect(actions.filter(has_text=action)).to_have_count(1)
    await ada.get_by_label("Action").select_option("teammate.joined")
    await ada.get_by_role("button", name="Filter").click()
    await expect(ada.locator("tbody tr")).to_have_count(1)
    await expect(ada.locator("tbody tr")).to_contain_text("cy@shop.example")


async def test_a_token_is_created_used_and_revoked(look: Look, server: TestServer) -> None:
    page = await signed_in(look, server, TOKENS)
    await page.get_by_role("button", name="Create token").click()
    await expect(page.locator("#name-error")).to_be_visible()
    await page.get_by_label("Name").fill("Nightly import")
    await page.get_by_label("Read contacts").check()
    await page.get_by_role("button", name="Create token").click()
    token = await page.get_by_label("API token", exact=True).input_value()
    assert await _status(server, token) == 200
    await page.goto(base(server) + TOKENS)
    await expect(page.get_by_label("API token", exact=True)).to_have_count(0)
    row = page.locator("tr", has_text="Nightly import")
    await expect(row).to_contain_text("Read contacts")
    await expect(row).to_contain_text("just now")  # created, and used
    await row.locator("summary").click()
    await row.get_by_role("button", name="Revoke token").click()
    await expect(page.locator("tr", has_text="Nightly import")).to_contain_text("Revoked")
    assert await _status(server, token) == 401


async def test_the_api_reference_is_searched_and_tried_by_keyboard(look: Look, server: TestServer) -> None:
    ada = next(teammate for teammate in await server.app[BOT].teammates.all() if teammate.email == ADA)
    token = await server.app[BOT].tokens.make(ada, "Reference")
    page = await signed_in(look, server, "/api/docs", allow=USUAL)
    await expect(page.locator(".api-group[open]")).to_have_count(0)
    find = page.get_by_label("Find an endpoint")
    await find.fill("zzzz")
    await expect(page.locator(".api-find [role=status]")).to_contain_text("No endpoints found.")
    await find.fill("get identify")
    await expect(page.locator(".api-route:visible")).to_have_count(1)
    await find.press("Enter")
    route = page.locator("#identify_admin")
    await expect(route.locator("summary")).to_be_focused()
    await page.keyboard.press("Enter")
    send = route.get_by_role("button", name="Send request")
    await send.focus()
    await page.keyboard.press("Enter")
    await expect(route.locator("[data-status]")).to_contain_text("Enter an API token")
    await expect(page.get_by_label("API token")).to_be_focused()
    await page.keyboard.type(token)
    await send.focus()
    await page.keyboard.press("Enter")
    await expect(route.locator("[data-status]")).to_contain_text("200")
    await expect(route.locator(".api-try pre")).to_contain_text(ADA)

    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for name, beginning in (("curl", "curl -X GET"), ("python", "import os")):
        copy = route.locator(f"[data-copy=identify_admin-{name}]")
        await copy.focus()
        await page.keyboard.press("Enter")
        await expect(copy).to_have_text("Copied")
        assert str(await page.evaluate("navigator.clipboard.readText()")).startswith(beginning)

    # A link to a route opens it, and its path is asked for.
    await page.goto(f"{base(server)}/api/docs#attach_subscription")  # while others are searched
    attach = page.locator("#attach_subscription")
    await expect(attach.get_by_text("write_contacts")).to_be_visible()
    await attach.get_by_role("link", name="Link to this endpoint").click()
    await expect(page).to_have_url(re.compile("/api/docs/attach_subscription$"))
    await attach.get_by_role("button", name="Send request").click()
    await expect(attach.locator("[name=contact_id]")).to_be_focused()
    await axe.fits(page)


async def test_a_webhook_endpoint_is_added_tested_and_turned_off(look: Look, server: TestServer) -> None:
    page = await signed_in(look, server, WEBHOOKS, allow=USUAL)
    await page.get_by_label("Endpoint URL").fill("https://169.254.169.254/")
    await page.get_by_role("button", name="Add endpoint").click()
    await expect(page.locator("#url-error")).to_contain_text("public addresses only")
    await expect(page.locator("#topics-error")).to_be_visible()
    await page.get_by_label("Endpoint URL").fill("https://hooks.invalid/")
    await page.get_by_label("conversation.admin.snoozed").check()
    await page.get_by_role("button", name="Add endpoint").click()
    assert (await page.get_by_label("Signing secret", exact=True).input_value()).startswith("whsec_")
    await page.goto(base(server) + WEBHOOKS)
    await page.get_by_role("link", name="https://hooks.invalid/").click()
    await expect(page.get_by_label("Signing secret", exact=True)).to_have_count(0)
    endpoint = page.url

    # A test notification fails, is read with its attempts, and is sent again.
    await page.get_by_role("button", name="Send test notification").click()
    await expect(page.get_by_role("heading", name="Attempts")).to_be_visible()
    notification, attempts = page.url, page.get_by_role("table", name="Attempts").locator("tbody tr")

    async def tried(times: int) -> bool:
        await page.goto(notification)
        return await attempts.count() >= times

    await eventually(lambda: tried(1))
    await expect(attempts.first).to_contain_text("https://hooks.invalid/")
    await expect(attempts.first.locator("td").first).not_to_have_text("")
    await page.get_by_role("button", name="Resend").click()
    await eventually(lambda: tried(2))
    for path in (notification, endpoint, base(server) + INTERCOM):
        await page.goto(path)
        for scheme, width, height in axe.LOOKS:
            await wear(page, scheme, width, height)
            assert await axe.faults(page, scheme) == [], f"{path} {scheme} {width}"
            await axe.fits(page)
    await page.go_back()
    await page.locator("summary", has_text="Disable").click()
    await page.get_by_role("button", name="Disable endpoint").click()
    await expect(page.locator("#said")).to_contain_text("Endpoint disabled.")


async def _status(server: TestServer, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(f"{base(server)}/api/me", headers=headers) as answer:
        return answer.status


async def test_a_passkey_is_added_used_and_replaced_by_a_code(look: Look, server: TestServer) -> None:
    named = base(server).replace("127.0.0.1", "localhost")
    page = await signed_in(look, server, "/inbox")
    await _sign_in(page, named)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": True,
               "hasResidentKey": True}  # fmt: skip
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    await page.goto(named + SIGN_IN)
    await page.get_by_label("Passkey name").fill("Work laptop")
    await page.get_by_role("button", name="Add passkey").click()
    code = await page.locator(".codes li").first.inner_text()
    await expect(page.locator("tr", has_text="Work laptop")).to_be_visible()

    # Its sessions elsewhere are revoked; this one stays.
    await page.goto(base(server) + "/inbox")
    await expect(page).to_have_url(re.compile("/login"))
    await page.goto(named + SIGN_IN)
    await expect(page.get_by_text("10 recovery codes left.")).to_be_visible()
    await expect(page.get_by_text("This session")).to_be_visible()

    await _sign_out(page, named)
    await _sign_in(page, named)
    await page.get_by_role("button", name="Use passkey").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Inbox")

    await _sign_out(page, named)
    await _sign_in(page, named)
    await page.locator("summary", has_text="Use a recovery code").click()
    await page.get_by_label("Recovery code").fill(code)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Inbox")
    await page.goto(named + SIGN_IN)
    await expect(page.get_by_text("9 recovery codes left.")).to_be_visible()


async def _sign_in(page: Page, at: str) -> None:
    await page.goto(at + "/login")
    await page.get_by_label("Email").fill("ada@example.com")
    await page.get_by_label("Password").fill("demo")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).not_to_have_url(re.compile("/login$"))


async def _sign_out(page: Page, at: str) -> None:
    await page.goto(at + SIGN_IN)
    await page.locator(".me > summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(re.compile("/login"))


async def test_the_pages_have_no_fault_that_axe_finds(look: Look, server: TestServer) -> None:
    page = await signed_in(look, server, TEAM, allow=USUAL)
    await page.get_by_label("Email").fill("a-very-long-address-of-a-teammate@a-department.of-a-shop.example")
    await page.get_by_role("button", name="Create invitation").click()
    await expect(page.locator("#said")).to_contain_text("Invitation created")
    invitation = await page.locator(".copy .input").first.input_value()
    ben = await page.get_by_role("link", name="Manage Ben").get_attribute("href")
    paths = (TEAM, ben, TOKENS, AUDIT, "/settings/install", "/settings/security", "/settings/profile", SIGN_IN,
             "/settings/profile/confirm", "/help", "/help/proof", "/help/shortcuts", "/help/tour", "/inbox/replies",
             "/inbox/replies/new", "/settings/nothing", invitation.removeprefix(base(server)))  # fmt: skip
    for path in paths:
        await page.goto(f"{base(server)}{path}")
        for scheme, width, height in axe.LOOKS:
            await wear(page, scheme, width, height)
            assert await axe.faults(page, scheme) == [], f"{path} {scheme} {width}"
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} {width}"
