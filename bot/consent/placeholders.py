"""Placeholders in texts that the business writes: `{brand}`, `{link}`, and variables: `{{first_name|there}}`. Pure.

A placeholder is a known name in single braces. Anything else in braces is plain text, and inserted values are not
parsed again, so a brand named `{link}` is not replaced. A variable inserts a detail of the recipient, like their first
name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

VARIABLES = ("brand", "program", "frequency", "link")
"""Brand name, subscription name, frequency, URL of the person's preference center."""
PLACE = re.compile(r"\{\s*(\w+)\s*\}")
_VARIABLE = re.compile(r"\{\{\s*([a-z0-9_]{1,40})\s*(?:\|([^{}]*))?\}\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Fills each known placeholder for which `values` has a value; leaves all others."""

    def filled(place: re.Match[str]) -> str:
        name = place[1].lower()
        return values.get(name, place[0]) if name in VARIABLES else place[0]

    return PLACE.sub(filled, text)


def unknown_variables(text: str) -> list[str]:
    """Unknown names in braces, each once: subscribers would see `{brnad}` as it is."""
    return list(dict.fromkeys(name for name in PLACE.findall(text) if name.lower() not in VARIABLES))


def has_place(text: str, name: str) -> bool:
    return any(found.lower() == name for found in PLACE.findall(text))


def fill_variables(text: str, values: Mapping[str, str]) -> str:
    """`{{name}}` becomes the value, or the fallback of `{{name|fallback}}`."""
    return _VARIABLE.sub(lambda found: values.get(found[1]) or found[2] or "", text)


def variables_in(text: str) -> dict[str, str]:
    """The fallback of each variable; empty: it has none."""
    return {found[1]: (found[2] or "").strip() for found in _VARIABLE.finditer(text)}
