"""QR codes, drawn once for each text: pure."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import segno

QUIET_ZONE = 4
"""Modules of white around a code, as ISO/IEC 18004 asks."""
PIXELS = 16
"""Of a module in a PNG: sharp on paper."""


@lru_cache(maxsize=256)
def svg(text: str) -> str:
    """To place in a page: it takes the size of the box that it is in."""
    return str(_code(text).svg_inline(border=QUIET_ZONE, omitsize=True, dark="#000", light="#fff", svgclass="qr"))


@lru_cache(maxsize=256)
def picture(text: str, kind: str) -> bytes:
    """A file: `svg` or `png`."""
    file = BytesIO()
    _code(text).save(file, kind=kind, border=QUIET_ZONE, scale=PIXELS, dark="#000", light="#fff")
    return file.getvalue()


def _code(text: str) -> segno.QRCode:
    return segno.make_qr(text, error="m")
