"""Links in a message that are replaced by short ones of our own, to count who opened them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

LINK = re.compile(r"https?://(?:\{\{[^{}]*\}\}|[^\s<>\"{}])+", re.IGNORECASE)
AFTER_LINK = ".,;:!?'\"”’…»)]"
"""Ends a sentence rather than a link."""
SCANNER = re.compile(
    r"(?<!cu)bot\b|crawl|spider|preview|scan|facebookexternalhit|whatsapp/|slack-|embedly|barracuda|proofpoint|mimecast"
    r"|safelinks|urldefense|headless|curl/|wget/|python|java/|okhttp|go-http|axios|ruby|httpclient|libwww|monitor|fetch",
    re.IGNORECASE,
)
"""In the user agent of programs that open links by themselves: previews, scanners, scripts. (CUBOT makes phones.)"""


def links_in(text: str) -> list[str]:
    """The links that a teammate wrote, with their variables, in order. A link with a variable in its host stays as it
    is: a contact's value never decides whose site we redirect to."""
    links = (found[0].rstrip(AFTER_LINK) for found in LINK.finditer(text))
    return [link for link in links if "{" not in _host(link) and _host(link)]


def shortened(body: str, links: Sequence[str], short: Sequence[str]) -> str:
    """`body` with each of `links`, which it contains in this order, replaced."""
    pieces, rest = [], body
    for link, replacement in zip(links, short, strict=True):
        before, found, after = rest.partition(link)
        if found:
            pieces += [before, replacement]
            rest = after
    return "".join([*pieces, rest])


def may_open(url: str) -> bool:
    """Whether short links may redirect to this address."""
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_person(user_agent: str) -> bool:
    """Whether a browser that a person uses opened a link, as far as its user agent says."""
    return bool(user_agent) and not SCANNER.search(user_agent)


def _host(link: str) -> str:
    return re.split(r"[/?#]", link.partition("://")[2], maxsplit=1)[0]
