"""The texts that a worker has judged and is sending. Those to one number are sent one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from bot.errors import StoreUnavailable

Send = Callable[[], Awaitable[None]]


class InHand:
    """`ended` is called when the texts to a number have been sent."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """The last one to each number."""
        self._unfinished: set[asyncio.Task[None]] = set()
        self._texts = 0
        self._fault: BaseException | None = None
        self._fewer = asyncio.Event()

    def __len__(self) -> int:
        return self._texts

    def __contains__(self, number: object) -> bool:
        return number in self._tasks

    def add(self, number: str, sends: Sequence[Send]) -> asyncio.Task[None]:
        """Starts to send these after the texts to the same number that are in hand."""
        task = asyncio.create_task(_in_turn(self._tasks.get(number), sends))
        self._tasks[number] = task
        self._unfinished.add(task)
        self._texts += len(sends)
        task.add_done_callback(partial(self._end, number, len(sends)))
        return task

    async def done(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        """Waits for these tasks. Raises an error of one of them."""
        try:
            await asyncio.gather(*tasks)
        finally:
            self._fault = None

    async def fall_to(self, most: int) -> None:
        """Waits until at most `most` texts are left. Raises an error of one of them."""
        while self._texts > most and not self._fault:
            self._fewer.clear()
            await self._fewer.wait()
        fault, self._fault = self._fault, None
        if fault:
            raise fault

    async def cancel(self) -> None:
        """Cancels the texts that haven't left yet. They go back to the queue."""
        tasks = [*self._unfinished]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _end(self, number: str, texts: int, task: asyncio.Task[None]) -> None:
        self._unfinished.discard(task)
        if self._tasks.get(number) is task:
            del self._tasks[number]
        self._texts -= texts
        if not task.cancelled():
            self._fault = task.exception() or self._fault
        self._fewer.set()
        self._ended()


async def _in_turn(before: asyncio.Task[None] | None, sends: Sequence[Send]) -> None:
    if before:
        await asyncio.wait([before])
    fault = None
    for send in sends:
        try:
            await send()
        except StoreUnavailable as error:  # the next one was claimed, too
            fault = error
    if fault:
        raise fault
