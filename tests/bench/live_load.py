"""Open messengers and the agent who writes to them, in a process of its own: `python -m tests.bench.live_load`.

`URL PID SECONDS OPEN sayso|echo`; the agent's session comes in by the standard input, as one line of JSON. Of an echo,
each messenger writes to itself. Figures go out as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode

import uvloop

from tests.bench.load import PATIENCE, SEQ, WARM_UP, Load, Wire, WrongAnswer, spread, text_frame
from tests.bench.machine import memory_of

A_SECOND = 25
OPENING = 16
"""Messengers that are opened at once."""
SETTLES = 1.0
"""Seconds before memory is read."""
WRITING = 8
"""Connections of the agent's browser: no message waits for the answer to the one before."""
WORDS = re.compile(rb"message (\d+) of the bench")

A = TypeVar("A")
B = TypeVar("B")


class Room(ABC):
    """Messengers with an open line each; every message goes to one of them, the next to another."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.lines: list[Wire] = []
        self.sent: dict[int, tuple[int, float]] = {}
        """Messages under way: to which messenger, and since when."""
        self.took: dict[int, float] = {}

    @abstractmethod
    async def prepare(self, count: int) -> None:
        """All that comes before the lines."""

    @abstractmethod
    async def line(self, place: int) -> Wire: ...

    @abstractmethod
    async def write(self, place: int, words: str) -> None: ...

    async def measure(self, pid: int, count: int, seconds: float) -> dict[str, Any]:
        await self.prepare(count)
        await asyncio.sleep(SETTLES)
        before = memory_of(pid)
        self.lines = await _some_at_once(self.line, list(range(count)))
        await asyncio.sleep(SETTLES)
        held = memory_of(pid) - before
        listening = [asyncio.create_task(self._listen(place)) for place in range(count)]
        await self._send(int((WARM_UP + seconds) * A_SECOND), listening)
        counted = [took for n, took in self.took.items() if n >= WARM_UP * A_SECOND]
        return {"ms": spread(counted), "messages": len(counted), "memory": held / count, "cpu": time.process_time()}

    async def _send(self, count: int, listening: list[asyncio.Task[None]]) -> None:
        started = time.perf_counter()
        async with asyncio.timeout(PATIENCE + count / A_SECOND), asyncio.TaskGroup() as sending:
            for n in range(count):
                await asyncio.sleep(started + n / A_SECOND - time.perf_counter())
                place = n * 7919 % len(self.lines)  # a prime: each in turn, neighbours far apart
                self.sent[n] = place, time.perf_counter()
                sending.create_task(self.write(place, f"message {n} of the bench"))
            while self.sent and not any(task.done() for task in listening):  # noqa: ASYNC110 - others fill it
                await asyncio.sleep(0.01)
        for task in listening:
            if task.done():
                task.result()
            task.cancel()

    async def _listen(self, place: int) -> None:
        line = self.lines[place]
        while True:
            frame = await line.frame()
            if found := WORDS.search(frame):
                self._came(int(found[1]), place)
                if seq := SEQ.search(frame):
                    line.transport.write(text_frame(f'{{"type":"seen","seq":{int(seq[1])}}}'))

    def _came(self, n: int, place: int) -> None:
        to, since = self.sent.pop(n, (-1, 0.0))
        if to != place:
            raise WrongAnswer(f"message {n} came to {place}: twice, or to another one")
        self.took[n] = time.perf_counter() - since


class Messengers(Room):
    """Of Sayso: each its own visitor, written to by a signed-in agent."""

    def __init__(self, load: Load, session: dict[str, str]) -> None:
        super().__init__(load)
        self.session, self.opened = session, list[tuple[re.Match[bytes], int]]()
        """Chats, each with its newest entry."""
        self.free: asyncio.Queue[Wire] = asyncio.Queue()

    async def prepare(self, count: int) -> None:
        for _ in range(WRITING):
            self.free.put_nowait(await self.load.connect())
        self.opened = await _some_at_once(self._open, list(range(count)))

    async def line(self, place: int) -> Wire:
        return await self.load.line(*self.opened[place])

    async def write(self, place: int, words: str) -> None:
        form = {"kind": "reply", "text": words, "key": f"bench-{time.perf_counter_ns()}", "csrf": self.session["csrf"]}
        request = self.load.post(
            f"/inbox/{self.opened[place][0][2].decode()}/messages",
            "application/x-www-form-urlencoded",
            urlencode(form),
            f"Cookie: {self.session['cookie']}\r\nHX-Request: true\r\n",
        )
        async with _taken(self.free) as wire:
            wire.transport.write(request)
            status, body = await wire.answer()
        if status != 200:
            raise WrongAnswer(f"{status} {body[:300]!r}")

    async def _open(self, place: int) -> tuple[re.Match[bytes], int]:
        """A chat that the agent can find: its visitor has written something."""
        async with _taken(self.free) as wire:
            opened = await self.load.open(wire)
            message = self.load.post(
                f"/messenger/conversations/{opened[2].decode()}/messages",
                "application/json",
                json.dumps({"key": f"bench-{time.perf_counter_ns()}", "text": "Hello!"}),
                f"Authorization: Bearer {opened[1].decode()}\r\n",
            )
            wire.transport.write(message)
            status, body = await wire.answer()
            seq = SEQ.search(body)
            if status != 200 or seq is None:
                raise WrongAnswer(f"{status} {body[:300]!r}")
            return opened, int(seq[1])


class Echoes(Room):
    """Of the bare peer: each hears itself."""

    async def prepare(self, count: int) -> None:
        pass

    async def line(self, place: int) -> Wire:
        return await self.load.upgraded("/echo")

    async def write(self, place: int, words: str) -> None:
        self.lines[place].transport.write(text_frame(words))


@asynccontextmanager
async def _taken(free: asyncio.Queue[Wire]) -> AsyncIterator[Wire]:
    wire = await free.get()
    try:
        yield wire
    finally:
        free.put_nowait(wire)


async def _some_at_once(work: Callable[[A], Awaitable[B]], of: list[A]) -> list[B]:
    room = asyncio.Semaphore(OPENING)

    async def one(value: A) -> B:
        async with room, asyncio.timeout(PATIENCE):
            return await work(value)

    return await asyncio.gather(*(one(value) for value in of))


def main() -> None:
    url, pid, seconds, count, kind = sys.argv[1:]
    load, given = Load(url, iter(()), seconds=float(seconds), live=True), sys.stdin.read()
    room = Messengers(load, json.loads(given)) if kind == "sayso" else Echoes(load)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(room.measure(int(pid), int(count), float(seconds)))))


if __name__ == "__main__":
    main()
