"""Background tasks that belong to the application: started once, retried after a failure, finished before it stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from bot.errors import SaysoError, StoreUnavailable

log = logging.getLogger("sayso")

RETRY_SECONDS = 1.0
STOP_SECONDS = 10.0
"""How long a stop waits for work that has started."""

T = TypeVar("T")
Loop = Callable[[asyncio.Event], Awaitable[None]]
"""Work that runs until the event is set."""


class BackgroundTasks:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Runs work that no caller waits for; it is finished before the process stops."""
        self._start(guarded(work))

    @asynccontextmanager
    async def running(self, *loops: Loop) -> AsyncIterator[None]:
        """Runs the loops until the block ends, then waits for all work that has started."""
        stop = asyncio.Event()
        for loop in loops:
            self._start(until(stop, loop))
        try:
            yield
        finally:
            stop.set()
            await self.finish()

    async def finish(self) -> None:
        """Waits for started work, and for work that it starts, for at most `STOP_SECONDS`; cancels the rest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        late = set(self._tasks)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def every(seconds: float, works: Iterable[Callable[[], Awaitable[None]]]) -> Loop:
    """A loop that does each work in turn, then rests. Work that fails doesn't hold up the others."""
    all_works = tuple(works)

    async def loop(stop: asyncio.Event) -> None:
        while not stop.is_set():
            for work in all_works:
                try:
                    await uninterrupted(work())
                except StoreUnavailable:
                    raise
                except Exception:
                    log.exception("periodic work failed; trying again")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), seconds)

    return loop


async def guarded(work: Coroutine[object, object, None]) -> None:
    try:
        await work
    except SaysoError as error:
        log.warning("left for recovery: %s", error.code)
    except Exception:
        log.exception("work behind a request failed")


class Interrupted(Exception):
    """What the work waited for was canceled, and the work was not."""


async def uninterrupted(work: Awaitable[T]) -> T:
    """Raises Interrupted for a cancellation that isn't the caller's own: unnoticed, it would end a loop for good, and
    a task group would go on without it."""
    try:
        return await work
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise Interrupted from None


async def until(stop: asyncio.Event, work: Loop) -> None:
    """Restarts the loop after a failure."""
    while not stop.is_set():
        try:
            await uninterrupted(work(stop))
        except StoreUnavailable:
            log.warning("the database is away; trying again")
        except Exception:
            log.exception("work behind the requests failed; trying again")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RETRY_SECONDS)
