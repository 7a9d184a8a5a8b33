"""What a consumer of the ledger is."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, TypeVar

from bot.model.event import ConsentEvent

T = TypeVar("T")


class Consumer(ABC):
    """Reacts to recorded events. Idempotent: after a crash events are handled again."""

    name: ClassVar[str]
    after_crash_only: ClassVar[bool] = False
    """The recorder does this itself; the consumer only repairs what a crash left undone."""

    @abstractmethod
    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        """Handles all events in as few round trips as one takes. Raises the first failure."""

    async def unhandled(self, events: Sequence[ConsentEvent]) -> Sequence[ConsentEvent]:
        """The events that still lack their consequence. The recovery cursor asks this some seconds later."""
        return events


async def for_each(items: Sequence[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Concurrently, so that batchers share round trips. Waits for all, then raises the first failure."""
    results = await asyncio.gather(*(work(item) for item in items), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
