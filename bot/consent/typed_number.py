"""What people type, paste or link as a phone number, as its digits: pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote

from bot.consent.number_refusals import empty, extension, not_a_number, too_long

LONGEST = 40
"""The limit of characters of a number, however it is written."""
LONGEST_LINK = 4000
"""The limit of characters of a link, which may hold a message."""
LINK = re.compile(r"(?:tel|sms|smsto|mms|mmsto|callto):(?://)?", re.IGNORECASE)
"""URL schemes of a number copied from a link (RFC 3966, RFC 5724)."""
BODY = re.compile(r"[?&:]|;(?=\s*(?:[?&]|body=))")
"""What precedes the message of a link: `?` by the standard, `&` and `;` on iPhones, `:` in QR codes."""
CONTEXT = re.compile(r"\+[0-9.()-]+")
"""A `phone-context` that is a prefix; it may also be a domain, which says nothing about the number."""
WHATSAPP = re.compile(
    r"(?:https?://)?(?:www\.)?wa\.me/(?P<path>[^?&#]*)"
    r"|(?:(?:https?://)?(?:api|web|www)\.whatsapp\.com/send/?|whatsapp:(?://send/?)?)\?(?P<query>[^#]*)"
    r"|whatsapp:(?P<number>[^?&#]*)",
    re.IGNORECASE,
)
"""WhatsApp links: their numbers are international, with or without a plus."""
EXTENSION = re.compile(r"(?:;\s*ext\s*=|,+|#|\bext(?:ension|n)?\b[.:]?|(?<=\d)\s*x[.:]?)\s*\d{1,6}$", re.IGNORECASE)
DIALED_ABROAD = ("00", "011")
"""Prefixes dialed instead of a plus, in any country (ITU-T E.164; NANP)."""
MEXICO = re.compile(r"(?:\+?52)?(?:1|01|044|045)(\d{10})")
"""Mobile prefixes that Mexico abolished in 2019 and people still type."""


def digits_of(text: str, region: str) -> str:
    """Digits of any script and a leading plus; separators and pasted formatting characters are removed.

    Raises NumberRefused.
    """
    text = unicodedata.normalize("NFKC", text) if len(text) <= LONGEST_LINK else text
    text = "".join(c for c in text if unicodedata.category(c) != "Cf").rstrip(" ,;:")
    text = _without_link(text.strip() if len(text) <= LONGEST_LINK else text)
    if not text:
        raise empty()
    if EXTENSION.search(text[-LONGEST:]):
        raise extension()
    plain = "".join(str(unicodedata.decimal(c)) for c in text if c.isdecimal())
    if not plain or not all(c.isdecimal() or c.isspace() or c in "+()-./‐‑‒–—−" for c in text):
        raise not_a_number(region, is_assumed=not text.startswith("+"))
    digits = ("+" if text.lstrip("( ").startswith("+") else "") + plain
    if len(text) > LONGEST:
        raise too_long(digits, region)
    return digits


def readings(digits: str, region: str) -> Iterator[str]:
    """Possible meanings of the digits, most likely first."""
    abroad = [f"+{digits[3:]}"] if digits.startswith("+00") else []
    abroad += [f"+{digits.removeprefix(prefix)}" for prefix in DIALED_ABROAD if digits.startswith(prefix)]
    for reading in (digits, *abroad):
        yield reading
        is_mexican = region == "MX" or reading.startswith("+52")
        if is_mexican and (mobile := MEXICO.fullmatch(reading)):
            yield f"+52{mobile[1]}"


def _without_link(text: str) -> str:
    if whatsapp := WHATSAPP.match(text[:LONGEST_LINK]):
        number = whatsapp["path"] or whatsapp["number"] or ""
        if query := whatsapp["query"]:
            number = parse_qs(query.replace("+", "%2B")).get("phone", [""])[0]
        number = unquote(number).strip("/+ ")
        return f"+{number}" if number else ""
    link = LINK.match(text)
    return _linked(text[link.end() : LONGEST_LINK]) if link else text


def _linked(rest: str) -> str:
    """The number of a link, with its context in front (RFC 3966) and its extension kept."""
    number, *given = (unquote(part).strip() for part in BODY.split(rest, maxsplit=1)[0].split(";"))
    parameters = dict(part.lower().partition("=")[::2] for part in given)
    context = parameters.get("phone-context", "")
    if CONTEXT.fullmatch(context) and not number.startswith("+"):
        number = context + number
    return f"{number};ext={ext}" if (ext := parameters.get("ext")) else number
