"""Teammates in a browser."""

from __future__ import annotations

from typing import Any

from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from tests.browser.conftest import Look
from tests.browser.shop import base
from tests.widget.desk import ADA, at_desk


async def signed_in(
    look: Look, server: TestServer, path: str, email: str = ADA, *, allow: tuple[str, ...] = (), **options: Any
) -> Page:
    """A page, opened by a teammate who has signed in already. (`test_shell` signs in by hand.)"""
    async with at_desk(base(server), email) as desk:
        cookies = [
            {"name": cookie.key, "value": cookie.value, "url": base(server), "httpOnly": True, "sameSite": "Lax"}
            for cookie in desk.session.cookie_jar
        ]
    page = await look(server, path, allow=("Autofocus processing", r"\b422\b", *allow), cookies=cookies, **options)
    await expect(page.locator("h1").first).not_to_have_text("")
    return page
