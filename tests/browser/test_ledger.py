"""Settings > Ledger in a browser: a check with live progress, paused, resumed and ended, and its result kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from bot.consent.verify import Position
from bot.jobs.kind import Batch
from bot.jobs.kinds.verify import Verify, VerifyInput
from bot.store import Store
from tests.browser import axe
from tests.browser.conftest import Look
from tests.browser.desk import signed_in
from tests.browser.shop import base, wear
from tests.conftest import TOLD
from tests.people import person

PATH = "/settings/ledger"


@dataclass
class Steps:
    """How far the check may come, so that it isn't done before the test has looked."""

    allowed: int = 20


@pytest.fixture
async def slow_check(store: Store, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Sixty contacts, one in a step."""
    await store.contacts.insert_many([person(f"c{i:02d}") for i in range(60)])
    real, steps, done = Verify.step, Steps(), 0

    async def step(self: Verify, job: str, input: VerifyInput, at: Position, limit: int) -> Batch[Position]:
        nonlocal done
        await asyncio.sleep(0.06)
        if done == steps.allowed:
            return Batch(at, 0)
        done += 1
        return await real(self, job, input, at, 1)

    monkeypatch.setattr(Verify, "step", step)
    return steps


def status(page: Page) -> Any:
    return page.locator(".job").get_by_role("status")


async def done(page: Page) -> int:
    return int(await page.get_by_role("progressbar").get_attribute("value") or 0)


async def test_a_check_is_followed_paused_and_resumed(look: Look, server: TestServer, slow_check: Steps) -> None:
    page = await signed_in(look, server, PATH)
    await page.get_by_role("button", name="Check ledger").press("Enter")
    await expect(status(page)).to_have_text("Running")
    await expect(page.locator(".job-words")).to_contain_text("of 60")
    begun = await done(page)
    slow_check.allowed = 40
    await expect(page.get_by_role("progressbar")).not_to_have_attribute("value", str(begun))

    # Paused, also in another tab; the buttons change, and focus stays with them.
    other = await page.context.new_page()
    await other.goto(base(server) + PATH)
    await page.get_by_role("button", name="Pause").press("Enter")
    await expect(status(page)).to_have_text("Paused")
    await expect(status(other)).to_have_text("Paused")
    paused = await done(other)
    assert 0 < paused < 60

    slow_check.allowed = 100
    await page.get_by_role("button", name="Resume").press("Enter")
    await expect(status(page)).to_have_text("Done")
    await expect(page.locator(".job-words")).to_have_text("60 of 60")
    assert await page.locator("[hx-trigger]").count() == 0, "it has stopped asking"
    await expect(status(other)).to_have_text("Done")

    # Its result is kept, and can be looked at.
    await page.get_by_role("link", name="View results").click()
    await expect(page.get_by_text("No results to list.")).to_be_visible()
    await page.goto(base(server) + PATH)
    row = page.get_by_role("row").nth(1)
    await expect(row).to_contain_text("Ada")
    await expect(row).to_contain_text("No problems")


@pytest.mark.usefixtures("slow_check")
async def test_a_check_is_canceled_with_the_mouse(look: Look, server: TestServer) -> None:
    page = await signed_in(look, server, PATH)
    await page.get_by_role("button", name="Check ledger").click()
    await expect(status(page)).to_have_text("Running")
    await page.get_by_role("button", name="Cancel").click()
    await expect(status(page)).to_have_text("Canceled")
    await page.reload()
    await expect(page.get_by_role("row").nth(1)).to_contain_text("Canceled")
    await expect(page.get_by_role("button", name="Check ledger")).to_be_visible()


@pytest.mark.usefixtures("slow_check")
async def test_without_javascript_it_is_followed_by_reloading(look: Look, server: TestServer) -> None:
    page = await signed_in(look, server, PATH, java_script_enabled=False)
    await page.get_by_role("button", name="Check ledger").click()
    await page.get_by_role("button", name="Pause").click()
    await expect(status(page)).to_have_text("Paused")
    await page.get_by_role("button", name="Cancel").click()
    await expect(status(page)).to_have_text("Canceled")


@pytest.mark.usefixtures("slow_check")
async def test_it_reads_well_in_every_light_and_width(look: Look, server: TestServer) -> None:
    page = await signed_in(look, server, PATH)
    await page.get_by_role("button", name="Check ledger").click()
    await page.get_by_role("button", name="Pause").click()
    await expect(status(page)).to_have_text("Paused")
    for scheme, width, height in axe.LOOKS:
        await wear(page, scheme, width, height)
        assert await axe.faults(page, scheme) == [], f"{scheme} {width}"
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (scheme, width)
        if folder := TOLD.get("SAYSO_TEST_PICTURES"):
            await page.screenshot(path=Path(folder) / f"ledger-{width}-{scheme}.png", full_page=True)
