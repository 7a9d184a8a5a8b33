"""Which links become short ones, and who is a person."""

from __future__ import annotations

import pytest

from bot.outbound.short_links import is_person, links_in, may_open, shortened

FIREFOX = "Mozilla/5.0 (Android 15; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0"


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("See https://shop.example/sale.", ["https://shop.example/sale"]),
        ("(HTTPS://shop.example/a?b=1&c=2#d), ok", ["HTTPS://shop.example/a?b=1&c=2#d"]),
        ("http://a.example and http://b.example/!", ["http://a.example", "http://b.example/"]),
        ("https://shop.example/?c={{coupon|none yet}}&x=1", ["https://shop.example/?c={{coupon|none yet}}&x=1"]),
        ("https://{{site}}/a and https://a.{{site|b}}", []),
        ("shop.example, mailto:a@b.example, ftp://a.example, https://", []),
    ],
)
def test_links_with_a_scheme_and_a_fixed_host_are_found(text: str, links: list[str]) -> None:
    assert links_in(text) == links


def test_the_same_link_twice_gets_two_short_ones() -> None:
    body = "Hi https://a.example/x, https://a.example or https://a.example/x!"
    links = links_in(body)
    assert shortened(body, links, ["1", "2", "3"]) == "Hi 1, 2 or 3!"


@pytest.mark.parametrize(
    ("url", "is_open"),
    [
        ("https://a.example/x", True),
        ("HTTP://a.example:8080", True),
        ("javascript:alert(1)", False),
        ("https:///x", False),
        ("https://a.example:x/", False),
        ("//a.example", False),
        ("https://[", False),
    ],
)
def test_only_web_addresses_are_opened(url: str, is_open: bool) -> None:
    assert may_open(url) is is_open


@pytest.mark.parametrize(
    ("agent", "counts"),
    [
        (FIREFOX, True),
        ("Mozilla/5.0 (Linux; Android 14; CUBOT X90) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", True),
        ("", False),
        ("facebookexternalhit/1.1 Facebot Twitterbot/1.0", False),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", False),
        ("Mozilla/5.0 (Windows NT 10.0) SkypeUriPreview Preview/0.5", False),
        ("WhatsApp/2.24.1 A", False),
        ("curl/8.5.0", False),
        ("python-requests/2.32", False),
        ("Mozilla/5.0 AppleWebKit/537.36 HeadlessChrome/140.0 Safari/537.36", False),
    ],
)
def test_scanners_are_no_people(agent: str, counts: bool) -> None:
    assert is_person(agent) is counts
