"""Derives the brand's CSS colors for both themes: pure.

Text on the brand color, and text in it, has a contrast of 4.5:1 for any color (WCAG 2.2, 1.4.3).
"""

from __future__ import annotations

import colorsys
from functools import lru_cache

PAPER = {"light": "#ffffff", "dark": "#17181d"}
RAISED = {"light": "#f4f5f8", "dark": "#212329"}
"""`--paper` and `--paper-2` of tokens.css. Links appear on both; the second has the lower contrast."""
INK, CHALK, BLACK = "#14151a", "#ffffff", "#000000"
ENOUGH, EASY = 4.5, 6.5


def contrast(a: str, b: str) -> float:
    """1 to 21, as WCAG 2.2 defines it."""
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def ink_on(color: str) -> str:
    """White if it is readable on `color`, otherwise dark ink, or black if neither is."""
    return next(ink for ink in (CHALK, INK, BLACK) if contrast(ink, color) >= ENOUGH)


def readable(color: str, paper: str, enough: float = ENOUGH) -> str:
    """`color`, lightened or darkened until it is readable on `paper`."""
    hue, light, saturation = colorsys.rgb_to_hls(*_channels(color))
    step = 0.01 if _luminance(paper) < 0.2 else -0.01
    while contrast(color, paper) < enough:  # ends at black or white at the latest
        light = min(1.0, max(0.0, light + step))
        color = _hex(colorsys.hls_to_rgb(hue, light, saturation))
    return color


def mix(color: str, paper: str, share: float) -> str:
    """`share` of `color` on `paper`, 0 to 1."""
    pairs = zip(_channels(color), _channels(paper), strict=True)
    return _hex(tuple(c * share + p * (1 - share) for c, p in pairs))


@lru_cache(maxsize=64)
def brand_css(brand: str, where: str = ":root") -> str:
    """The custom properties that every page uses, for the elements of this selector."""
    light = _properties(brand, readable(brand, RAISED["light"]), mix(brand, PAPER["light"], 0.1))
    on_dark = readable(brand, PAPER["dark"], EASY)  # large areas glow less in a pale color
    dark = _properties(on_dark, readable(on_dark, RAISED["dark"]), mix(on_dark, PAPER["dark"], 0.16))
    return f"{where}{{{light}}}@media (prefers-color-scheme:dark){{{where}{{{dark}}}}}"


def _properties(brand: str, text: str, soft: str) -> str:
    return f"--brand:{brand};--brand-ink:{ink_on(brand)};--brand-text:{text};--brand-soft:{soft}"


def _channels(color: str) -> tuple[float, float, float]:
    return int(color[1:3], 16) / 255, int(color[3:5], 16) / 255, int(color[5:7], 16) / 255


def _hex(channels: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(c * 255):02x}" for c in channels)


def _luminance(color: str) -> float:
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
