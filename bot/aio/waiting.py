"""Waiting for one of two things, or for several."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from bot.errors import StoreUnavailable

T = TypeVar("T")


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results, in order. The first error cancels the others and is raised as it is, so that callers can tell what
    it means: a task group raises a group of errors. Of several errors, one other than StoreUnavailable is raised:
    repeating the work wouldn't mend it."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as errors:
        others = (error for error in errors.exceptions if not isinstance(error, StoreUnavailable))
        raise next(others, errors.exceptions[0]) from None
    return [task.result() for task in tasks]


async def either(one: asyncio.Event, other: asyncio.Event, seconds: float | None) -> bool:
    """Whether one of them was set within this time; None: as long as it takes."""
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    try:
        done, _pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return bool(done)


async def ends_before(stop: asyncio.Event, work: Coroutine[object, object, object]) -> bool:
    """Whether the work ended before the event was set. If not, it is canceled and has ended, too, when this returns.
    Raises what the work raises."""
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        return not stop.is_set()
    finally:
        task.cancel()
        stopped.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)
