"""What a logo may be is told by its bytes."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import FormWrong
from bot.workspace.pictures import MOST_BYTES, picture_type
from tests.people import JPEG, PIXEL


def png(width: int, height: int, more: bytes = b"") -> bytes:
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">IIBBBBBI", width, height, 8, 6, 0, 0, 0, 0)
    return head + more


def jpeg(width: int, height: int) -> bytes:
    app = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\x00" + b"\x00" * 9
    tables = b"\xff\xc4" + struct.pack(">H", 4) + b"\x00\x00"
    return (
        b"\xff\xd8" + app + tables + b"\xff\xff\xc2" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    )


def webp(kind: bytes, body: bytes) -> bytes:
    chunk = kind + struct.pack("<I", len(body)) + body.ljust(14, b"\x00")
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def side(pixels: int) -> bytes:
    return struct.pack("<I", pixels - 1)[:3]


PICTURES = {
    "png": (png(64, 32), "image/png"),
    "a whole png": (PIXEL, "image/png"),
    "jpeg": (jpeg(300, 200), "image/jpeg"),
    "a short jpeg": (JPEG, "image/jpeg"),
    "lossy webp": (webp(b"VP8 ", b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 64, 64)), "image/webp"),
    "lossless webp": (webp(b"VP8L", b"\x2f" + struct.pack("<I", 63 | 63 << 14)), "image/webp"),
    "extended webp": (webp(b"VP8X", b"\x00" * 4 + side(64) + side(64)), "image/webp"),
}
NONE = {
    "nothing": b"",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "html": b"<!doctype html><script>alert(1)</script>",
    "gif": b"GIF89a\x01\x00\x01\x00/*<script>alert(1)</script>*/",
    "a pdf that goes on as png": b"%PDF-1.7\n" + PIXEL,
    "html before a png": b"<script>alert(1)</script>" + PIXEL,
    "half a head": PIXEL[:20],
    "jpeg without a frame": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    "jpeg that turns in a circle": b"\xff\xd8\xff\xe0\x00\x00\xff\xe0\x00\x00\xff",
    "webp of an unknown kind": webp(b"EXIF", b"\x00" * 20),
    "riff of another kind": b"RIFF\x00\x00\x00\x00WAVE" + b"\x00" * 30,
    "dimensions are too large": png(2049, 1),
    "far too many": jpeg(65535, 65535),
    "no pixels": png(0, 0),
    "too many bytes": png(8, 8, b"\x00" * MOST_BYTES),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_known_by_its_bytes(name: str) -> None:
    data, type = PICTURES[name]
    assert picture_type(data) == type


@pytest.mark.parametrize("name", NONE)
def test_all_else_is_refused_with_a_sentence_at_the_field(name: str) -> None:
    with pytest.raises(FormWrong) as refused:
        picture_type(NONE[name])
    assert refused.value.faults["logo"]


@given(
    st.binary(max_size=80),
    st.sampled_from([b"", b"\xff\xd8\xff", b"RIFF____WEBPVP8 ", b"RIFF____WEBPVP8X", PIXEL[:16]]),
)
def test_no_bytes_make_it_stumble(tail: bytes, head: bytes) -> None:
    with suppress(FormWrong):
        assert picture_type(head + tail) in {"image/png", "image/jpeg", "image/webp"}
