"""Distinct numbers that can take a text, as people type them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from bot.consent.numbers import read_number
from bot.errors import NumberRefused

AREAS = ("201", "206", "212", "303", "312", "404", "415", "512", "617", "702", "804", "917")
LINES = range(1000, 1500)


def numbers() -> Iterator[str]:
    """`(201) 234-5678` and so on, no two the same, about four million of them.

    Whether a US number is valid depends on its first six digits, so one number of each six is checked.
    """
    for exchange, area in product(range(220, 1000), AREAS):
        if _is_good(f"({area}) {exchange}-{LINES[0]}"):
            yield from (f"({area}) {exchange}-{line}" for line in LINES)


def _is_good(text: str) -> bool:
    try:
        return bool(read_number(text, "US", ("US",)))
    except NumberRefused:
        return False
