"""Things that are read at every request and change once a month."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

SECONDS = 1.0


class Recent(Generic[T]):
    """`await recent()` answers what `load` gave within the last second. Nothing that a law depends on is read so."""

    def __init__(self, load: Callable[[], Awaitable[T]]) -> None:
        self._load = load
        self._kept: tuple[float, T] | None = None

    async def __call__(self) -> T:
        time = asyncio.get_running_loop().time()
        if self._kept is None or time - self._kept[0] > SECONDS:
            self._kept = (time, await self._load())
        return self._kept[1]

    def forget(self) -> None:
        """What was loaded is old: somebody here changed it. Other processes see it within a second."""
        self._kept = None
