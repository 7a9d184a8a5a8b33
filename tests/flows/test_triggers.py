"""When triggers start a flow, without a database."""

from __future__ import annotations

import pytest

from bot.flows.triggers import PageAddress, TimeOnPage
from bot.flows.triggers.base import MessengerOpens, StaysOnPage

SHOP = "https://shop.example"


PAGES = [
    ("/cart", f"{SHOP}/cart", True),
    ("/cart", f"{SHOP}/cart?step=2#pay", True),
    ("/cart", f"{SHOP}/cart/pay", False),
    ("/cart", f"{SHOP}/en/cart", False),
    ("/", SHOP, True),
    ("/beans/*", f"{SHOP}/beans/dark/kenya", True),
    ("/beans/*", f"{SHOP}/beans", False),
    ("/b?ans", f"{SHOP}/beans", True),
    ("*", f"{SHOP}/anything", True),
    ("https://shop.example/*", f"{SHOP}/cart", True),
    ("https://shop.example/*", "https://other.example/cart", False),
    ("/a.b[c](d)+", f"{SHOP}/a.b[c](d)+", True),
    ("/a.b", f"{SHOP}/aXb", False),
    ("/caf%C3%A9", f"{SHOP}/caf%C3%A9", True),
    ("/*/a/*/b", f"{SHOP}/1/a/2/a/c/b", True),
    ("/*/a", f"{SHOP}/a", False),
    ("/x**y", f"{SHOP}/xy", True),
    ("/[ab]", f"{SHOP}/a", False),
    ("/" + "*/" * 100 + "reviews", f"{SHOP}/" + "/" * 1900, False),
    ("/cart", "/cart", False),
    ("/cart", "", False),
    ("/cart", "https://[broken/cart", False),
]
"""A pattern, an address, and whether it matches. Browsers decide alike: see the test of the launcher."""


@pytest.mark.parametrize(("pattern", "address", "does"), PAGES)
def test_pages_match_by_address(pattern: str, address: str, does: bool) -> None:
    assert PageAddress(pages=(pattern,)).starts(MessengerOpens(page=address)) is does
    assert TimeOnPage(seconds=30, pages=(pattern,)).starts(StaysOnPage(address, 30)) is does


def test_a_time_on_a_page_is_its_own_moment() -> None:
    stay = TimeOnPage(seconds=30)
    assert stay.starts(StaysOnPage(f"{SHOP}/cart", 30)), "any page"
    assert not stay.starts(StaysOnPage(f"{SHOP}/cart", 60)), "each trigger has a time of its own"
    assert not stay.starts(MessengerOpens(page=f"{SHOP}/cart"))
    assert not PageAddress(pages=("/cart",)).starts(StaysOnPage(f"{SHOP}/cart", 30))
