"""Which pictures may be a logo, told by their bytes and never by a name or a type that somebody claims: pure.

Three formats that hold pixels and nothing that runs; SVG is a document with scripts. The size in pixels is read too: a
small file can unfold to gigabytes in a visitor's browser.
"""

from __future__ import annotations

from bot.errors import FormWrong
from bot.errors import marked as _

MOST_BYTES = 256 * 1024
MOST_PIXELS = 2048
"""A side. A logo is shown at 48 px, on a dense screen at 144."""


def picture_type(data: bytes) -> str:
    """`image/png`, `image/jpeg` or `image/webp`. Raises FormWrong, on the field `logo`."""
    if not data:
        raise _wrong(_("Choose a picture first."))
    if len(data) > MOST_BYTES:
        raise _wrong(_("This picture is too large: at most 256 KB."))
    for type, size in (("image/png", _png), ("image/jpeg", _jpeg), ("image/webp", _webp)):
        if sides := size(data):
            if not all(0 < side <= MOST_PIXELS for side in sides):
                raise _wrong(_("This picture has too many pixels: at most 2048 by 2048."))
            return type
    raise _wrong(_("This is no picture that we can show. Use a PNG, JPEG or WebP file."))


def _wrong(sentence: str) -> FormWrong:
    return FormWrong({"logo": sentence})


def _png(data: bytes) -> tuple[int, int] | None:
    """PNG 1.2, 5: the signature, then IHDR with width and height."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR") or len(data) < 33:
        return None
    return _big(data[16:20]), _big(data[20:24])


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """ITU T.81, B.2: segments until the frame header, which is one of SOF0 to SOF15 without DHT, JPG and DAC."""
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in range(0xC0, 0xD0) and marker not in {0xC4, 0xC8, 0xCC}:
            return _big(data[at + 7 : at + 9]), _big(data[at + 5 : at + 7])
        else:
            at += 2 + max(2, _big(data[at + 2 : at + 4]))
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    """RFC 9649, 2.4 to 2.7: extended, lossless or lossy."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        return _little(data[24:27]) + 1, _little(data[27:30]) + 1
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = _little(data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return _little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF
    return None


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
