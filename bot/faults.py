"""Fault points: places of the write path where a test can end the process, to prove that nothing is lost there."""

from __future__ import annotations

from collections.abc import Callable


def _pass(point: str) -> None:
    """Nothing happens: only tests put another function in its place."""


reached: Callable[[str], None] = _pass


def reach(point: str) -> None:
    """Says that the process is here. Nothing that is set from outside can make it do more."""
    reached(point)
