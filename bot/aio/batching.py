"""Group commit: calls that arrive while a round trip is under way share the next one.

Measured on 2 cores with a real mongod, 64 requests at once, `w: majority`: one write a request 1,400/s, batched
16,000/s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

WAIT_SECONDS = 0.004
"""How long a round waits for others to join. Measured with 32 visitors: 0.9 commands a flow without it, 0.6 with 4
ms."""
RECENT_SECONDS = 0.1
FADING = 0.9
"""How fast the expected number of callers shrinks from round to round, at most."""


class Batcher(Generic[T, R]):
    """Turns `run(items) -> results` into `await batcher(item) -> result`.

    `run` returns one result per item; an exception in the list is raised to that item's caller alone.
    One call of `run` is under way at a time, with at most `limit` items. With `one_of`, a round has one item of each
    owner that it names; the owner's next ones wait for the next round, and nobody else waits for them.

    A single caller never waits. If several were served just before, a round first waits up to `wait` seconds for as
    many to come again: a few full round trips cost both sides far less than many small ones.
    """

    def __init__(
        self,
        run: Callable[[list[T]], Awaitable[Sequence[R | Exception]]],
        *,
        limit: int = 256,
        one_of: Callable[[T], object] | None = None,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._run = run
        self._limit = limit
        self._one_of = one_of
        self._wait = wait
        self._expected = 0.0
        self._shared_at = -RECENT_SECONDS
        self._enough: asyncio.Future[None] | None = None
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
        elif self._enough and self._are_all_here():
            _resolve(self._enough)
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self._let_others_join()
                if batch := self._take():
                    await self._round(batch)
                    self._note_callers(len(batch) + len(self._waiting))
        finally:
            self._is_draining = False  # in the same step that saw nothing waiting, so that no call falls between

    async def _let_others_join(self) -> None:
        if self._are_all_here() or not self._is_busy():
            return
        loop = asyncio.get_running_loop()
        self._enough = loop.create_future()
        timer = loop.call_later(self._wait, _resolve, self._enough)
        try:
            await self._enough
        finally:
            timer.cancel()
            self._enough = None

    def _are_all_here(self) -> bool:
        return len(self._waiting) >= min(self._expected, self._limit)

    def _note_callers(self, count: int) -> None:
        """`count`: callers of the last round, and those who came meanwhile."""
        self._expected = max(count, self._expected * FADING if self._is_busy() else 0.0)
        if count > 1:
            self._shared_at = asyncio.get_running_loop().time()

    def _is_busy(self) -> bool:
        return asyncio.get_running_loop().time() - self._shared_at <= RECENT_SECONDS

    async def _round(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._run([item for item, _ in batch])
            answers = [*zip(batch, results, strict=True)]
        except Exception as error:
            answers = [(call, error) for call in batch]
        except asyncio.CancelledError:
            for _, future in batch:  # nobody else would tell them
                future.cancel()
            raise
        for (_, future), result in answers:
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


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
