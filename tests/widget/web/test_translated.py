"""Whoever reads Arabic finds no English sentence on any page that a GET draws: neither text nor label."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.widget.desk import HTML, at_desk
from tests.widget.help import Node, Running, read
from tests.widget.web.test_roles import filled, routes

ENGLISH = re.compile(r"^[^/\u0600-\u06ff]*[A-Za-z]{2,}(?: [A-Za-z]{2,}){2}[^\u0600-\u06ff]*$")
"""At least three words in a row, and none in Arabic. Fewer can be a name; a slash is in names of time zones."""
DATA = {"bdi", "code", "pre", "script", "style", "textarea"}
OWN = "Deals and new roasts"
"""The shop's name of a subscription, where the whole of it is edited."""
LABELS = ("aria-label", "title", "alt", "placeholder")
IN_ENGLISH = {
    "/help/{name}",
    "/api/docs",  # documentation
    "/settings/styleguide",  # for developers
    "/settings/brand/preview",  # in the language of the shop
    "/settings/subscriptions/preview/page",
}


async def test_no_page_has_an_english_sentence_in_arabic(running: Running) -> None:
    arabic = {**HTML, "Accept-Language": "ar"}
    paths = sorted(path for method, path in routes(running) if method == "GET" and path not in IN_ENGLISH)
    seen, found = 0, set[str]()
    async with at_desk(running.base) as ada:
        for path in paths:
            async with ada.session.get(running.base + filled(path), headers=arabic, allow_redirects=False) as answer:
                if answer.content_type == "text/html" and answer.status in {200, 404}:
                    seen += 1
                    words = {text.strip() for text in _words(read(await answer.text()))}
                    found |= {f"{path}: {text}" for text in words if ENGLISH.search(text) and not text.startswith(OWN)}
    assert found == set()
    assert seen > 50


def _words(node: Node) -> Iterator[str]:
    for child in node.children:
        if isinstance(child, str):
            yield child
        elif child.tag not in DATA and child.attrs.get("dir") != "auto":
            yield from (child.attrs.get(name, "") for name in LABELS)
            yield from _words(child)
