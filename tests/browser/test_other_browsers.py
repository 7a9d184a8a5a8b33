"""The main journeys in Firefox and WebKit; all other tests of pages use Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NoReturn

import pytest
from aiohttp.test_utils import TestServer

from bot.demo import DEALS
from bot.model.contact import ConsentState
from bot.store import Store
from tests.browser import other_browsers
from tests.browser.other_browsers import MakeTab, Tab
from tests.browser.shop import Shop, base
from tests.conftest import TOLD, eventually

DIED = ["ProtocolError", "MaxRetryError", "ReadTimeoutError", "ConnectionResetError"]
"""Of the connection to the driver: Debian's WebKit dies now and then, whatever the page. Nothing else is repeated."""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning"),  # Selenium's, of itself
    pytest.mark.flaky(reruns=2, only_rerun=DIED),
]

CHAT = "iframe"
NUMBER = "(201) 555-0123"


@pytest.fixture(params=["firefox", "webkit"])
async def tab(request: pytest.FixtureRequest, server: TestServer) -> AsyncIterator[MakeTab]:
    """Makes one person's browser, which is closed before the server stops.

    Skips without it, or fails when `SAYSO_TEST_BROWSER=required`.
    """
    firefox, webkit = other_browsers.find_firefox(), other_browsers.find_webkit()
    if request.param == "firefox" and firefox:
        async with other_browsers.firefox(firefox) as make:
            yield make
    elif request.param == "webkit" and webkit:
        async with other_browsers.webkit(*webkit) as make:
            yield _or_skipped(make)
    else:
        _skip(f"NOT TESTED IN {request.param.upper()}: it is not here (tools/other-browsers installs it on Debian)")


def _or_skipped(make: MakeTab) -> MakeTab:
    async def made() -> Tab:
        try:
            return await make()
        except other_browsers.NotStarted:
            _skip("NOT TESTED IN WEBKIT: it is here, and does not start")

    return made


def _skip(reason: str) -> NoReturn:
    if TOLD.get("SAYSO_TEST_BROWSER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


async def enters(tab: Tab, shop: Shop, server: TestServer) -> None:
    await tab.open(shop.address(base(server), {}))
    await tab.click(".button")
    await tab.sees("#line[data-line=live], .bubble", "welcome to Harbor Coffee", frame=CHAT)


async def test_a_visitor_signs_up_unsubscribes_and_subscribes_again(
    tab: MakeTab, shop: Shop, server: TestServer, demo_store: Store
) -> None:
    visitor = await tab()
    await enters(visitor, shop, server)
    await visitor.types(".card input[type=tel]", "201555", frame=CHAT)
    await visitor.click(".card button", "Sign Up Now", frame=CHAT)
    await visitor.sees(".card-error", "too short", frame=CHAT)
    await visitor.types(".card input[type=tel]", NUMBER, frame=CHAT)
    await visitor.click(".card button", "Sign Up Now", frame=CHAT)
    await visitor.sees(".card", "You're signed up", frame=CHAT)
    await visitor.sees(".bubble", "Your code HARBOR10", frame=CHAT)

    # The text on the phone leads to the preference center.
    await visitor.open(f"{base(server)}/demo/phone")
    await visitor.open(await visitor.reads("li a[href*='/p/']", "href"))
    await visitor.click(f"#switch-{DEALS}[aria-checked=true]")
    await visitor.sees("[role=status]", "You're unsubscribed from")
    await visitor.click(f"#switch-{DEALS}[aria-checked=false]")
    await visitor.sees("[role=status]", "You're subscribed to")
    assert await eventually(lambda: _is_in(demo_store))


async def test_a_visitor_writes_and_a_teammate_inserts_the_form(
    tab: MakeTab, shop: Shop, server: TestServer, demo_store: Store
) -> None:
    visitor, ada = await tab(), await tab()
    await enters(visitor, shop, server)
    await visitor.types("textarea", "Where", frame=CHAT)
    assert await visitor.composes("textarea", frame=CHAT) == "Where"
    await visitor.types("textarea", "Where is my order?\n", frame=CHAT)
    await visitor.sees(".part.mine[data-seq] .bubble", "Where is my order?", frame=CHAT)

    await ada.open(f"{base(server)}/login?next=/inbox")
    await ada.types("[name=email]", "ada@example.com")
    await ada.types("[name=password]", "demo\n")
    await ada.click(".conv", "Where is my order?")
    await ada.sees("#parts .bubble", "Where is my order?")
    await ada.types("#inbox textarea", "On its")
    assert await ada.composes("#inbox textarea") == "On its"
    await ada.types("#inbox textarea", "On its way.\n")
    await visitor.sees(".bubble", "On its way.", frame=CHAT)

    await ada.click("a", "Opt-in form")
    await ada.click("dialog button", "Insert Form")
    await visitor.types(".card input[type=tel]", NUMBER, frame=CHAT)
    await visitor.click(".card button", "Sign Up Now", frame=CHAT)
    await visitor.sees(".card", "You're signed up", frame=CHAT)
    await ada.sees("#parts", "Signed up")
    assert await eventually(lambda: _is_in(demo_store))


async def _is_in(store: Store) -> bool:
    (contact,) = await store.contacts.find({}, limit=3)
    consent = contact.consent(DEALS)
    return consent is not None and consent.state is ConsentState.OPTED_IN
