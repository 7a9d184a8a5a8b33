"""Whatever color a workspace sets, people can read what stands on it, and what stands in it."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from widget.web.look import ENOUGH, PAPER, brand_css, contrast, ink_on, mix, readable

COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
THEMES = re.compile(r":root\{([^}]*)\}")
STATIC = Path(__file__).parents[3] / "static"
DARK = re.compile(r"@media ?\(prefers-color-scheme: ?dark\) ?\{((?:[^{}]*\{[^{}]*\})*)\s*\}")


def properties(brand: str) -> dict[str, dict[str, str]]:
    light, dark = (dict(pair.split(":") for pair in block.split(";")) for block in THEMES.findall(brand_css(brand)))
    return {"light": light, "dark": dark}


@given(COLORS)
@example("#000000")
@example("#ffffff")
@example("#777777")
@example("#2f5bea")
@example("#ffff00")
def test_text_on_the_brand_and_in_it_can_be_read_in_both_themes(brand: str) -> None:
    for theme, values in properties(brand).items():
        assert contrast(values["--brand-ink"], values["--brand"]) >= ENOUGH, theme
        assert contrast(values["--brand-text"], PAPER[theme]) >= ENOUGH, theme
        assert all(re.fullmatch("#[0-9a-f]{6}", value) for value in values.values())


@given(COLORS)
@example("#000000")
@example("#ffffff")
def test_a_color_that_can_be_read_stays_as_it_is(brand: str) -> None:
    for paper in PAPER.values():
        if contrast(brand, paper) >= ENOUGH:
            assert readable(brand, paper) == brand


@given(COLORS)
def test_white_is_the_ink_wherever_it_can_be_read(brand: str) -> None:
    assert (ink_on(brand) == "#ffffff") == (contrast("#ffffff", brand) >= ENOUGH)


@given(COLORS, COLORS)
def test_contrast_is_that_of_the_guidelines(a: str, b: str) -> None:
    assert contrast(a, b) == contrast(b, a)
    assert 1 <= contrast(a, b) <= 21
    assert contrast(a, a) == 1


def test_known_contrasts() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
    assert round(contrast("#2f5bea", "#ffffff"), 2) == 5.52


def test_a_mix_lies_between() -> None:
    assert mix("#000000", "#ffffff", 0) == "#ffffff"
    assert mix("#000000", "#ffffff", 1) == "#000000"
    assert mix("#000000", "#ffffff", 0.5) == "#808080"


def test_dark_differs_in_nothing_but_colors() -> None:
    """The browser tests rely on it: what is no matter of colors they check in light alone."""
    styles = "".join(path.read_text() for path in [*STATIC.rglob("*.css"), STATIC / "widget.js"])
    blocks = DARK.findall(styles)
    assert len(blocks) == styles.count("prefers-color-scheme") > 0
    names = {name for block in blocks for name in re.findall(r"([\w-]+): *[^;{}]+[;}]", block)}
    assert {name for name in names if not name.startswith("--")} == {"background", "color", "box-shadow"}
