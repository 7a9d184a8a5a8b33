"""How a text is encoded, and how many segments it is billed as: pure.

Source: 3GPP TS 23.038 (the GSM 7-bit alphabet and its extension) and TS 23.040 (parts of 153 and 67 units, which leave
room for the header that joins them).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€\f")
"""Characters that take two units."""
REPLACEMENTS = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201a": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u00ab": '"',
    "\u00bb": '"',
    "\u2010": "-",
    "\u2011": "-",
    "\u2012": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
    "\u2026": "...",
    "\u2022": "-",
    "\u00b4": "'",
    "\u0060": "'",
    "\u00a0": " ",
    "\u2002": " ",
    "\u2003": " ",
    "\u2009": " ",
    "\u202f": " ",
    "\u2028": "\n",
    "\u200b": "",
    "\u2060": "",
    "\ufeff": "",
    "\u00ad": "",
    "\t": " ",
}
"""What people paste from documents, and a plain character that says the same."""


class SmsEncoding(StrEnum):
    GSM_7 = "gsm_7"
    UCS_2 = "ucs_2"


LIMITS = {SmsEncoding.GSM_7: (160, 153), SmsEncoding.UCS_2: (70, 67)}
"""Units in a text of one segment, and in each segment of a longer one."""


@dataclass(frozen=True, slots=True)
class SmsLength:
    encoding: SmsEncoding
    units: int
    segments: int
    forcing: tuple[str, ...]
    """Each character that GSM-7 lacks, once."""

    @property
    def room(self) -> int:
        """Units left in the last segment."""
        one, each = LIMITS[self.encoding]
        return (one if self.segments <= 1 else each * self.segments) - self.units


def sms_length(text: str) -> SmsLength:
    if BASIC.issuperset(text):  # most texts
        return _measured(SmsEncoding.GSM_7, [1] * len(text), ())
    forcing = tuple(dict.fromkeys(c for c in text if c not in BASIC and c not in EXTENDED))
    if forcing:
        return _measured(SmsEncoding.UCS_2, [2 if ord(c) > 0xFFFF else 1 for c in text], forcing)
    return _measured(SmsEncoding.GSM_7, [2 if c in EXTENDED else 1 for c in text], ())


def plain(text: str) -> str:
    """With plain characters in place of those that need UCS-2, where one says the same."""
    return "".join(REPLACEMENTS.get(c, c) for c in text)


def _measured(encoding: SmsEncoding, sizes: list[int], forcing: tuple[str, ...]) -> SmsLength:
    units, (one, each) = sum(sizes), LIMITS[encoding]
    segments = math.ceil(units / one) if units <= one else _parts(sizes, each)
    return SmsLength(encoding, units, segments, forcing)


def _parts(sizes: list[int], each: int) -> int:
    """A character that takes two places isn't cut in two."""
    parts, used = 1, 0
    for size in sizes:
        if used + size > each:
            parts, used = parts + 1, 0
        used += size
    return parts
