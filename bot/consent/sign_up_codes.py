"""Codes that bind a person's own text to the words that they read: "JOIN 7K3M9QXV". Pure."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, count

ALPHABET = "0123456789BCDFGHJKMNPQRSTVWXYZ"
"""Without vowels, so that no code is a word, and without L, which is read as 1."""
LENGTH = 8
_MISREAD = str.maketrans("OIL", "011")
_DRAWN_OUT = re.compile(r"([A-Z])\1\1")
"""Taken for one letter when texts are read (`bot/consent/keywords.py`)."""


@dataclass(frozen=True, slots=True)
class TypedCode:
    code: str
    is_alone: bool
    """No other words follow."""


def make_code(secret: bytes, *names: str) -> str:
    """The same for the same names, and not to be guessed from them. It has a letter and a digit."""
    for n in count():
        digest = hmac.digest(secret, "\0".join((*names, str(n))).encode(), "sha256")
        value, code = int.from_bytes(digest[:8], "big"), ""
        for _ in range(LENGTH):
            value, index = divmod(value, len(ALPHABET))
            code += ALPHABET[index]
        if not code.isdigit() and any(map(str.isdigit, code)) and not _DRAWN_OUT.search(code):
            return code
    raise AssertionError


def read_code(words: Sequence[str]) -> TypedCode | None:
    """The code that these words begin with, in one piece or several. None: what they begin with can't be one."""
    pieces = [*accumulate(word.upper() for word in words)]
    typed = next((piece for piece in pieces if len(piece) >= LENGTH), "")
    code = typed.translate(_MISREAD)
    is_code = len(code) == LENGTH and set(code) <= set(ALPHABET) and any(map(str.isdigit, typed))
    return TypedCode(code, is_alone=typed == pieces[-1]) if is_code else None
