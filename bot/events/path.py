"""The path from recorded events to their consumers."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence

from bot.errors import StoreUnavailable
from bot.events.consumers.base import Consumer
from bot.fault_points import reach
from bot.model.event import ConsentEvent

log = logging.getLogger("sayso.events")

BATCH = 256
REMEMBERED = 100_000
"""Handled events that a process remembers, to spare the recovery cursor a query."""


class ConsumerPath:
    """Hands events to the consumers, in batches that all callers share.

    `stages`: consumers of one stage run side by side; the next stage begins when the one before has handled the batch.
    `spawn`: runs a background task that a stop waits for.
    """

    def __init__(
        self, stages: Sequence[Sequence[Consumer]], spawn: Callable[[Coroutine[object, object, None]], None]
    ) -> None:
        self._stages = stages
        self._spawn = spawn
        self._waiting: deque[ConsentEvent] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self._handled: dict[str, None] = {}

    def publish(self, events: Iterable[ConsentEvent]) -> None:
        """Starts handling these events and returns. Called right after they are durable."""
        self._waiting.extend(events)
        if self._waiting and self._idle.is_set():
            self._idle.clear()
            self._spawn(self._drain())

    async def drain(self) -> None:
        """Waits until all published events are handled or left to the recovery cursor."""
        await self._idle.wait()

    async def handle(self, events: Sequence[ConsentEvent], *, after_crash: bool = False) -> list[ConsentEvent]:
        """Runs all stages. Returns the events that a consumer failed on; those skip the later stages."""
        left = list(events)
        for stage in self._stages:
            consumers = [c for c in stage if after_crash or not c.after_crash_only]
            failed = set().union(*await asyncio.gather(*(self._consume(c, left, after_crash) for c in consumers)))
            left = [event for event in left if event.event not in failed]
        self._remember(left)
        done = {event.event for event in left}
        return [event for event in events if event.event not in done]

    def forget(self, event: str) -> bool:
        """Whether this process handled the event. It is asked once for each event, and forgets it."""
        return event in self._handled and self._handled.pop(event) is None

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self.handle([self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))])
        finally:
            self._idle.set()  # without an await since the queue was empty, so that no event is missed

    async def _consume(self, consumer: Consumer, events: Sequence[ConsentEvent], after_crash: bool) -> set[str]:
        """Returns the ids of the events that it failed on. One bad event doesn't fail its batch."""
        try:
            todo = await consumer.unhandled(events) if after_crash else events
            if todo:
                reach(f"before {consumer.name}")
                await consumer.handle(todo)
                reach(f"after {consumer.name}")
        except StoreUnavailable:
            log.warning("the database is away: consumer %s handles %d events later", consumer.name, len(events))
            return {event.event for event in events}
        except Exception:
            if len(events) == 1:
                log.exception("consumer %s failed", consumer.name, extra={"event": events[0].event})
                return {events[0].event}
            each = await asyncio.gather(*(self._consume(consumer, [event], after_crash) for event in events))
            return set().union(*each)
        return set()

    def _remember(self, events: Iterable[ConsentEvent]) -> None:
        self._handled.update((event.event, None) for event in events)
        while len(self._handled) > REMEMBERED:
            del self._handled[next(iter(self._handled))]
