"""Avatars that tell people apart: initials and a color, the same everywhere. In templates: `{{ m.face(id, name) }}`."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

TONES = 8
"""Colors in tokens.css, `.tone-0` and so on."""


@dataclass(frozen=True, slots=True)
class Face:
    initials: str
    tone: int


def face(id: str, name: str) -> Face:
    """The color follows from the id, so it stays when the name changes."""
    return Face(initials_of(name), zlib.crc32(id.encode()) % TONES)


def initials_of(name: str) -> str:
    """Initials of the first and last word or of an email address; a symbol for a phone number."""
    words = [word for word in name.partition("@")[0].replace(".", " ").split() if any(map(str.isalnum, word))]
    letters = [next(filter(str.isalnum, word)) for word in words]
    if not letters or letters[0].isdecimal():
        return "#"
    last = letters[-1] if len(letters) > 1 and words[-1].isalpha() else ""
    return f"{letters[0]}{last}".upper()
