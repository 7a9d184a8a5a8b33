"""What a consumer of the ledger is."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, TypeVar

from bot.model.event import ConsentEvent

T = TypeVar("T")


class Consumer(ABC):
    """Reacts to recorded events. To handle an event again changes nothing: after a crash that is what happens."""

    name: ClassVar[str]
    after_crash_only: ClassVar[bool] = False
    """Whoever records an event does this itself; only what a crash left undone is handled here."""

    @abstractmethod
    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        """All of them, in as few round trips as one would take. Raises what stands in the way of any of them."""

    async def unhandled(self, events: Sequence[ConsentEvent]) -> Sequence[ConsentEvent]:
        """Those among `events` whose consequence isn't there yet: the look of the cursor, some seconds later."""
        return events


async def for_each(items: Sequence[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Side by side, so that batchers share their round trips. Ends when all have; raises the first failure."""
    results = await asyncio.gather(*(work(item) for item in items), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
