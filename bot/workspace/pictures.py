"""Checks the picture of a logo by its bytes, never by name or type: pure.

Three formats without scripts; SVG can have some. The size in pixels is limited too: a small file can unfold to
gigabytes in a visitor's browser.
"""

from __future__ import annotations

from io import BytesIO

import imagesize

from bot.errors import FormWrong
from bot.errors import marked as _

MOST_BYTES = 256 * 1024
MOST_PIXELS = 2048
"""A side. A logo is shown at 48 px, on a dense screen at 144."""


def picture_type(data: bytes) -> str:
    """`image/png`, `image/jpeg` or `image/webp`. Raises FormWrong, on the field `logo`."""
    if not data:
        raise _wrong(_("Choose an image first."))
    if len(data) > MOST_BYTES:
        raise _wrong(_("Image is too large. The limit is 256 KB."))
    type, sides = _type(data), _sides(data)
    if type is None or sides is None:
        raise _wrong(_("Unsupported image. Use PNG, JPEG or WebP."))
    if not all(0 < side <= MOST_PIXELS for side in sides):
        raise _wrong(_("Image dimensions are too large. The limit is 2048 × 2048 pixels."))
    return type


def _wrong(sentence: str) -> FormWrong:
    return FormWrong({"logo": sentence})


def _type(data: bytes) -> str | None:
    """By the signatures of PNG (1.2, 5), JPEG (ITU T.81, B.1) and WebP (RFC 9649, 2.4)."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _sides(data: bytes) -> tuple[int, int] | None:
    """Width and height; None for a header that can't be read."""
    try:
        width, height = imagesize.get(BytesIO(data))
    except Exception:
        return None
    return (width, height) if width >= 0 else None
