"""The visitors, in a process of their own: `python -m tests.bench.load`, started by `flows.py`.

They share the machine with what they measure, so they are lean: HTTP/1.1 and WebSocket by hand on asyncio, answers read
by regular expressions. Numbers come in by the standard input, one a line; figures go out as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import cast
from urllib.parse import urlencode, urlsplit

import uvloop

WARM_UP = 1.0
"""Seconds before the measure begins."""
PATIENCE = 30.0
SHOP = "https://shop.example/beans/kenya?ref=mail"
BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36\r\n"
    "Accept: */*\r\nAccept-Language: en-US,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n"
)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
OPENED = re.compile(
    rb'"token": ?"([^"]+)".*?"conversation": ?"([0-9a-f]{24})".*?'
    rb'/cards/(\d+).*?name=\\"version\\" value=\\"([^\\"]+)\\"',
    re.DOTALL,
)
SEQ = re.compile(rb'"seq": ?(\d+)')
DONE = b"card--completed"
TEXT, PING = 0x81, 0x89


class WrongAnswer(Exception):
    """Something was not answered as a visitor needs it: the measure is worth nothing."""


class Wire(asyncio.Protocol):
    """One connection: the bytes that came, and who waits for more."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self._more: asyncio.Future[None] | None = None
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is one in all but name

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._wake()

    async def more(self) -> None:
        if self._lost:
            raise WrongAnswer("the server closed the line")
        self._more = asyncio.get_running_loop().create_future()
        await self._more

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of one HTTP answer."""
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            await self.more()
        head = bytes(self.buffer[: end + 2])
        length = LENGTH.search(head)
        whole = end + 4 + (int(length[1]) if length else 0)
        while len(self.buffer) < whole:
            await self.more()
        body = bytes(self.buffer[end + 4 : whole])
        del self.buffer[:whole]
        return int(head[9:12]), body

    async def frame(self) -> bytes:
        """The next text frame of a server, which sends them whole and unmasked. Pings are answered meanwhile."""
        while True:
            if (size := _frame_size(self.buffer)) and len(self.buffer) >= sum(size):
                start, length = size
                kind, frame = self.buffer[0], bytes(self.buffer[start : start + length])
                del self.buffer[: start + length]
                if kind == PING:
                    self.transport.write(b"\x8a" + bytes([0x80 | len(frame)]) + bytes(4) + frame)
                    continue
                if kind != TEXT:
                    raise WrongAnswer(f"a frame of kind {kind:#x}: {frame[:80]!r}")
                return frame
            await self.more()

    def _wake(self) -> None:
        if self._more and not self._more.done():
            self._more.set_result(None)


def _frame_size(buffer: bytearray) -> tuple[int, int] | None:
    """Bytes of a frame's head and of its payload, if they can be told yet."""
    if len(buffer) < 2:
        return None
    short = buffer[1]
    if short < 126:
        return 2, short
    wide = 2 if short == 126 else 8
    return (2 + wide, int.from_bytes(buffer[2 : 2 + wide], "big")) if len(buffer) >= 2 + wide else None


def text_frame(text: str) -> bytes:
    """A masked frame, as clients must send it; the mask is zero, so the payload stays as it is."""
    payload = text.encode()
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + payload


CLOSE = b"\x88\x82" + bytes(4) + (1000).to_bytes(2, "big")


@dataclass
class Figures:
    flows: int = 0
    """Those that ended within the measure."""
    all_flows: int = 0
    """With those of the warm-up, and those that were under way at the end."""
    seconds: float = 0.0
    cpu: float = 0.0
    """Seconds of this process within the measure."""
    all_cpu: float = 0.0
    ms: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Median and 99th percentile of each call."""


class Load:
    def __init__(self, url: str, numbers: Iterator[str], *, seconds: float, live: bool) -> None:
        place = urlsplit(url)
        self.host, self.port = place.hostname or "", place.port or 80
        self.numbers, self.seconds, self.live = numbers, seconds, live
        self.head = f"Host: {place.netloc}\r\nOrigin: {url}\r\nReferer: {url}/messenger\r\n{BROWSER}"
        self.opening = self.post(
            "/messenger/open", "application/json", json.dumps({"conversation": None, "settings": {"page_url": SHOP}})
        )
        self.times: defaultdict[str, list[float]] = defaultdict(list)
        self.figures = Figures()
        self.begin = self.end = 0.0

    async def run(self, visitors: int) -> Figures:
        self.begin = time.perf_counter() + WARM_UP
        self.end = self.begin + self.seconds
        slots = [asyncio.create_task(self._visitors()) for _ in range(visitors)]
        await asyncio.sleep(WARM_UP)
        cpu = time.process_time()
        await asyncio.sleep(self.end - time.perf_counter())
        self.figures.cpu, self.figures.seconds = time.process_time() - cpu, self.seconds
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*slots)
        self.figures.ms = {name: spread(times) for name, times in self.times.items()}
        self.figures.all_cpu = time.process_time()
        return self.figures

    async def _visitors(self) -> None:
        """One visitor after the other on one keep-alive connection, as behind a proxy."""
        wire = await self.connect()
        while time.perf_counter() < self.end:
            try:
                async with asyncio.timeout(PATIENCE):
                    await (self._live_flow(wire) if self.live else self._flow(wire))
            except TimeoutError:
                raise WrongAnswer(f"nothing came for {PATIENCE:.0f} s") from None
            self.figures.all_flows += 1
            self.figures.flows += self._is_counted()
        wire.transport.close()

    async def _flow(self, wire: Wire) -> None:
        opened = await self.open(wire)
        await self._submit(wire, opened)

    async def _live_flow(self, wire: Wire) -> None:
        """With the live line, as the page has it: the completed card and the bot's next words come by it."""
        opened = await self.open(wire)
        started = time.perf_counter()
        line = await self.line(opened)
        self._took("hello to ready", started)
        await self._submit(wire, opened)
        started, done, last = time.perf_counter(), False, int(opened[3])
        while last < int(opened[3]) + 2:  # the entry "signed up", then the bot's thanks
            frame = await line.frame()
            done = done or DONE in frame
            newest = max(map(int, SEQ.findall(frame)), default=0)
            if newest > last:
                last = newest
                line.transport.write(text_frame(f'{{"type":"seen","seq":{last}}}'))
        if not done:
            raise WrongAnswer("the completed card was not pushed")
        self._took("done to bot's words", started)
        line.transport.write(CLOSE)
        line.transport.close()

    async def open(self, wire: Wire) -> re.Match[bytes]:
        body = await self._call(wire, "open", self.opening)
        opened = OPENED.search(body)
        if opened is None:
            raise WrongAnswer(f"no card: {body[:300]!r}")
        return opened

    async def _submit(self, wire: Wire, opened: re.Match[bytes]) -> None:
        token, conversation, seq, version = (value.decode() for value in opened.groups())
        form = {"version": version, "region": "US", "number": next(self.numbers), "page": SHOP}
        request = self.post(
            f"/messenger/conversations/{conversation}/cards/{seq}",
            "application/x-www-form-urlencoded",
            urlencode(form),
            f"Authorization: Bearer {token}\r\nHX-Request: true\r\n",
        )
        body = await self._call(wire, "card", request)
        if DONE not in body:
            raise WrongAnswer(f"not signed up: {body[:300]!r}")

    async def line(self, opened: re.Match[bytes], last: int = 0) -> Wire:
        """`last`: the newest entry that the page has, if that is not the card."""
        wire = await self.upgraded("/messenger/live")
        token, conversation, seq = opened[1].decode(), opened[2].decode(), last or int(opened[3])
        hello = {"type": "hello", "token": token, "conversation": conversation, "after": seq}
        wire.transport.write(text_frame(json.dumps(hello)))
        ready = await wire.frame()
        if b'"ready"' not in ready:
            raise WrongAnswer(f"not ready: {ready[:300]!r}")
        wire.transport.write(text_frame(f'{{"type":"seen","seq":{seq}}}'))
        return wire

    async def upgraded(self, path: str) -> Wire:
        """A connection that is a WebSocket."""
        wire = await self.connect()
        wire.transport.write(
            f"GET {path} HTTP/1.1\r\n{self.head}Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".replace(
                "Connection: keep-alive\r\n", ""
            ).encode()
        )
        status, body = await wire.answer()
        if status != 101:
            raise WrongAnswer(f"no live line: {status} {body[:300]!r}")
        return wire

    async def _call(self, wire: Wire, name: str, request: bytes) -> bytes:
        started = time.perf_counter()
        wire.transport.write(request)
        status, body = await wire.answer()
        self._took(name, started)
        if status != 200:
            raise WrongAnswer(f"{name}: {status} {body[:300]!r}")
        return body

    async def connect(self) -> Wire:
        return (await asyncio.get_running_loop().create_connection(Wire, self.host, self.port))[1]

    def post(self, path: str, kind: str, body: str, more: str = "") -> bytes:
        head = f"POST {path} HTTP/1.1\r\n{self.head}{more}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        return (head + body).encode()

    def _took(self, name: str, started: float) -> None:
        if self._is_counted():
            self.times[name].append(time.perf_counter() - started)

    def _is_counted(self) -> bool:
        return self.begin <= time.perf_counter() < self.end


def spread(times: list[float]) -> tuple[float, float]:
    ordered = sorted(times)
    return ordered[len(ordered) // 2] * 1000, ordered[len(ordered) * 99 // 100] * 1000


def main() -> None:
    url, seconds, visitors, live = sys.argv[1:]
    load = Load(url, iter(sys.stdin.read().splitlines()), seconds=float(seconds), live=live == "live")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(load.run(int(visitors))))))


if __name__ == "__main__":
    main()
