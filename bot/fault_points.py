"""Fault points: places of the write path where a test can end the process, to prove that nothing is lost there."""

from __future__ import annotations

from collections.abc import Callable


def _pass(point: str) -> None:
    """Does nothing; only tests replace it."""


reached: Callable[[str], None] = _pass


def reach(point: str) -> None:
    """Marks a fault point. No setting can make it do anything."""
    reached(point)
