"""The browser: the machine's own Chromium, as visitors have theirs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
SHELL = "chromium-headless-shell"
"""The same engine without toolbars. Those are pages themselves, and take two thirds of a test's CPU time."""
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--test-third-party-cookie-phaseout",
)


def find() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def find_shell() -> str | None:
    """The headless shell, or else the whole browser. The shell can't block cookies of other sites."""
    return shutil.which(SHELL) or find()


def arguments() -> list[str]:
    return [*QUIET, *(["--no-sandbox"] if os.getuid() == 0 else [])]


@asynccontextmanager
async def launched(path: str, *more: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*arguments(), *more])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def profiled(path: str, folder: Path, *, is_open: bool) -> AsyncIterator[BrowserContext]:
    """A browser with a profile of its own.

    `is_open`: frames of other sites may keep cookies and data, as some browsers let them; otherwise they may keep
    nothing at all, as the strictest do.
    """
    preferences = {"profile": {"cookie_controls_mode": 0 if is_open else 1, "block_third_party_cookies": not is_open}}
    (folder / "Default").mkdir(parents=True)
    (folder / "Default" / "Preferences").write_text(json.dumps(preferences))
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            folder, executable_path=path, args=arguments(), locale="en-US", reduced_motion="reduce"
        )
        try:
            yield context
        finally:
            await context.close()
