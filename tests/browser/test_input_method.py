"""Enter of an input method chooses what is composed. It never sends."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Locator, expect

from tests.browser.conftest import Look, Visit
from tests.browser.desk import signed_in
from tests.browser.test_inbox import Inbox, begun

CHROMIUM = {"key": "Enter", "keyCode": 229, "isComposing": True, "bubbles": True, "cancelable": True}
SAFARI = {**CHROMIUM, "isComposing": False}  # the composition has ended before this event


async def press(field: Locator, event: dict[str, Any]) -> None:
    await field.evaluate("(field, event) => field.dispatchEvent(new KeyboardEvent('keydown', event))", event)


@pytest.mark.parametrize("event", [CHROMIUM, SAFARI])
async def test_a_visitor_who_composes_sends_nothing(visit: Visit, server: TestServer, event: dict[str, Any]) -> None:
    chat = await visit(server)
    await chat.open()
    await chat.text.fill("東京")
    await press(chat.text, event)
    await expect(chat.text).to_have_value("東京")
    await chat.text.press("Enter")
    await expect(chat.sent("東京")).to_have_count(1)


@pytest.mark.parametrize("event", [CHROMIUM, SAFARI])
async def test_a_teammate_who_composes_sends_nothing(
    visit: Visit, look: Look, server: TestServer, event: dict[str, Any]
) -> None:
    chat = await begun(visit, server)
    ada = Inbox(await signed_in(look, server, f"/inbox/{await chat.stored()}"))
    await ada.is_live()
    await ada.text.fill("大阪")
    await press(ada.text, event)
    await expect(ada.text).to_have_value("大阪")
    await ada.text.press("Enter")
    await expect(ada.bubble("大阪")).to_have_count(1)
