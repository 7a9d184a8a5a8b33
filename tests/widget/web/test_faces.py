"""Avatars of people."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from widget.web.faces import TONES, face, initials_of
from widget.web.look import contrast


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Ada Lovelace", "AL"),
        ("ben", "B"),
        ("José  María de la Cruz", "JC"),
        ("grace.hopper@example.com", "GH"),
        ("\u2066(201) 555-0123\u2069", "#"),
        ("Visitor d3f2", "V"),
        ("李明", "李"),
        ("!!", "#"),
    ],
)
def test_initials(name: str, initials: str) -> None:
    assert initials_of(name) == initials


def test_a_face_keeps_its_color_when_the_name_changes() -> None:
    assert face("a", "Ada").tone == face("a", "Ada Lovelace").tone
    assert len({face(str(n), "Ada").tone for n in range(100)}) == TONES


def test_initials_are_readable_on_every_color() -> None:
    css = (Path(__file__).parents[3] / "static/tokens.css").read_text()
    light, dark = css.split("prefers-color-scheme: dark", 1)
    for theme, tone in product((light, dark), range(TONES)):
        ink, paper = (re.search(rf"--{name}: (#\w+)", theme) for name in ("ink", f"tone-{tone}"))
        assert ink
        assert paper
        assert contrast(ink[1], paper[1]) >= 4.5
