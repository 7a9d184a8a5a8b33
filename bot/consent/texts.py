"""Texts that the business writes, with places that we fill: `{brand}`, `{link}`. Pure.

A place is a known name in single braces. Whatever else stands in braces is text, and what is filled in is never read
again, so a brand that is called `{link}` stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

VARIABLES = ("brand", "program", "frequency", "link")
"""Brand name, name of the subscription, how often, the address of the person's preference center."""
PLACE = re.compile(r"\{\s*(\w+)\s*\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with each known place that `values` has filled; all others stay as they were written."""

    def filled(place: re.Match[str]) -> str:
        name = place[1].lower()
        return values.get(name, place[0]) if name in VARIABLES else place[0]

    return PLACE.sub(filled, text)


def unknown_variables(text: str) -> list[str]:
    """Names in braces that nothing fills, each once, as they were written: `{brnad}` would reach people as it is."""
    return list(dict.fromkeys(name for name in PLACE.findall(text) if name.lower() not in VARIABLES))


def has_place(text: str, name: str) -> bool:
    return any(found.lower() == name for found in PLACE.findall(text))
