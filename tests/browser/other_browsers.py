"""Firefox and WebKit, worked by the few verbs that journeys need: Playwright drives the one, Selenium the other."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

from playwright.async_api import FrameLocator, Locator, Page, async_playwright, expect
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service
from urllib3.exceptions import HTTPError

PATIENCE = 60
"""Seconds; what is waited for comes, and how soon is the machine's affair."""
FIND = """const [css, text = ''] = arguments;
const find = (root) => [...root.querySelectorAll(css),
  ...[...root.querySelectorAll('*')].flatMap((element) => (element.shadowRoot ? find(element.shadowRoot) : []))];
const words = (string) => string.replace(/\\s+/g, ' ').toLowerCase();
return find(document).filter((element) => words(element.textContent).includes(words(text)));"""
"""As Playwright finds elements: in shadow roots as well, and whatever the case of the text."""
COMPOSES = """(field) => {
  for (const isComposing of [true, false]) {  // Safari's comes after the composition has ended
    const event = new KeyboardEvent('keydown', { key: 'Enter', isComposing, bubbles: true, cancelable: true });
    Object.defineProperty(event, 'keyCode', { value: 229 });
    field.dispatchEvent(event);
  }
  return field.value;
}"""
"""Enter of an input method, as browsers tell it."""
ONE_PROCESS: dict[str, str | float | bool] = {"fission.autostart": False, "fission.webContentIsolationStrategy": 0}
"""Frames of other sites stay in the page's process: Playwright sends mouse and keys to that one alone."""
STARTS = 3
BROWSER = "usr/lib/*/webkit2gtk-4.*/MiniBrowser"


class NotStarted(Exception):
    """The browser is installed, and does not start."""


class Tab(Protocol):
    """One person's browser, with one page. `css` and `text` name an element that shows the text; `frame` holds it."""

    async def open(self, address: str) -> None: ...

    async def sees(self, css: str, text: str = "", *, frame: str = "") -> None: ...

    async def click(self, css: str, text: str = "", *, frame: str = "") -> None: ...

    async def types(self, css: str, keys: str, *, frame: str = "") -> None: ...

    async def reads(self, css: str, attribute: str, *, text: str = "") -> str: ...

    async def composes(self, css: str, *, frame: str = "") -> str:
        """Presses Enter of an input method. What the field holds then."""
        ...


MakeTab = Callable[[], Awaitable[Tab]]


# --- Firefox


class FirefoxTab:
    def __init__(self, page: Page) -> None:
        self._page = page
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(f"{error.message}\n{error.stack}"))

    async def open(self, address: str) -> None:
        await self._page.goto(address)

    async def sees(self, css: str, text: str = "", *, frame: str = "") -> None:
        await expect(self._find(css, text, frame)).to_be_visible()

    async def click(self, css: str, text: str = "", *, frame: str = "") -> None:
        await self._find(css, text, frame).click()

    async def types(self, css: str, keys: str, *, frame: str = "") -> None:
        field = self._find(css, "", frame)
        await field.fill("")
        await field.press_sequentially(keys)

    async def reads(self, css: str, attribute: str, *, text: str = "") -> str:
        return await self._find(css, text, "").get_attribute(attribute) or ""

    async def composes(self, css: str, *, frame: str = "") -> str:
        return str(await self._find(css, "", frame).evaluate(COMPOSES))

    def _find(self, css: str, text: str, frame: str) -> Locator:
        place: Page | FrameLocator = self._page.frame_locator(frame) if frame else self._page
        return place.locator(css).filter(has_text=text, visible=True).last


def find_firefox() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


@asynccontextmanager
async def firefox(path: str) -> AsyncIterator[MakeTab]:
    """Debian's Firefox, by WebDriver BiDi. Any error of a script fails."""
    tabs: list[FirefoxTab] = []
    async with async_playwright() as playwright:
        browser = await playwright.firefox.launch(
            channel="moz-firefox", executable_path=path, firefox_user_prefs=ONE_PROCESS
        )

        async def make() -> Tab:
            context = await browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800})
            context.set_default_timeout(PATIENCE * 1000)
            tabs.append(FirefoxTab(await context.new_page()))
            return tabs[-1]

        try:
            yield make
        finally:
            await browser.close()
    assert not (faults := [fault for tab in tabs for fault in tab.faults]), faults


# --- WebKit


class WebKitTab:
    def __init__(self, driver: WebDriver) -> None:
        self._driver = driver

    async def open(self, address: str) -> None:
        await asyncio.to_thread(self._driver.get, address)

    async def sees(self, css: str, text: str = "", *, frame: str = "") -> None:
        await self._do(css, text, frame, lambda element: True)

    async def click(self, css: str, text: str = "", *, frame: str = "") -> None:
        await self._do(css, text, frame, WebElement.click)

    async def types(self, css: str, keys: str, *, frame: str = "") -> None:
        def anew(element: WebElement) -> None:
            element.click()
            hands = ActionChains(self._driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL)
            hands.send_keys(keys.replace("\n", Keys.ENTER)).perform()

        await self._do(css, "", frame, anew)

    async def reads(self, css: str, attribute: str, *, text: str = "") -> str:
        return str(await self._do(css, text, "", lambda element: element.get_dom_attribute(attribute)) or "")

    async def composes(self, css: str, *, frame: str = "") -> str:
        script = f"return ({COMPOSES})(arguments[0])"
        return str(await self._do(css, "", frame, lambda field: self._driver.execute_script(script, field)))

    async def _do(self, css: str, text: str, frame: str, act: Callable[[WebElement], Any]) -> Any:
        """Acts once the element is there and takes it."""

        def attempt(driver: WebDriver) -> tuple[Any] | None:
            driver.switch_to.default_content()
            if frame:
                driver.switch_to.frame(driver.execute_script(FIND, frame)[0])
            shown = [e for e in driver.execute_script(FIND, css, text) if e.is_displayed()]
            return (act(shown[-1]),) if shown else None

        waiting = WebDriverWait(self._driver, PATIENCE, 0.1, ignored_exceptions=[WebDriverException, IndexError])
        done = await asyncio.to_thread(waiting.until, attempt, f"{css} {text!r} in {frame or 'the page'}")
        return done[0] if done else None


def find_webkit() -> tuple[str, str, str] | None:
    """The driver, the browser and the X server, if all are here."""
    driver, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    browser = next((str(path) for path in sorted(Path("/").glob(BROWSER), reverse=True)), None)
    return (driver, browser, screen) if driver and browser and screen else None


@asynccontextmanager
async def webkit(driver: str, browser: str, screen: str) -> AsyncIterator[MakeTab]:
    """Debian's WebKitGTK, on a screen that nobody sees. A driver holds one session, so each tab has one."""
    async with AsyncExitStack() as stack:
        display = stack.enter_context(_display(screen))
        options = Options()
        options.binary_location = browser
        options.add_argument("--automation")

        async def make() -> Tab:
            service = Service(driver, env={**os.environ, "DISPLAY": display, "LANG": "en_US.UTF-8"})
            running = await _started(partial(webdriver.WebKitGTK, options=options, service=service), service)
            stack.push_async_callback(asyncio.to_thread, running.quit)
            await asyncio.to_thread(running.set_window_size, 1280, 800)
            return WebKitTab(running)

        yield make


async def _started(start: Callable[[], WebDriver], service: Service) -> WebDriver:
    """Selenium waits for a session without a limit, and now and then the driver loses the browser that it started."""
    for _ in range(STARTS):
        starting = asyncio.ensure_future(asyncio.to_thread(start))
        await asyncio.wait([starting], timeout=PATIENCE)
        if not starting.done():
            service.process.kill()  # whoever waits for its answer gets an error
        with suppress(WebDriverException, HTTPError):
            running = await starting
            assert isinstance(running.command_executor, RemoteConnection)
            running.command_executor.client_config.timeout = PATIENCE
            return running
    raise NotStarted


@contextmanager
def _display(screen: str) -> Iterator[str]:
    with tempfile.TemporaryFile() as told:
        number = told.fileno()
        command = [screen, "-displayfd", str(number), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
        with subprocess.Popen(command, pass_fds=[number], stderr=subprocess.DEVNULL) as process:
            try:
                yield f":{_first_line(told, process)}"
            finally:
                process.terminate()


def _first_line(file: IO[bytes], process: subprocess.Popen[bytes]) -> str:
    while process.poll() is None:
        file.seek(0)
        if (line := file.read()).endswith(b"\n"):
            return line.decode().strip()
    raise RuntimeError(f"Xvfb ended with {process.returncode}")
