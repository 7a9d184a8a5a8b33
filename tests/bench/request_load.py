"""Callers of pages and of the API, in a process of their own, which `requests.py` starts.

Arguments: `URL SECONDS CALLERS again|once`. What to ask for comes in by the standard input, one JSON line a person: the
requests that are made in turn, `again` and again or `once`. Figures go out as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

import uvloop

from tests.bench.load import WARM_UP, Wire, WrongAnswer

Person = list[dict[str, Any]]
"""Requests: `method`, `path`, `headers`, `body` (`{key}` becomes a new one), and what an answer contains (`expect`)."""


@dataclass
class Caller:
    """One keep-alive connection; each person is only ever asked for here."""

    url: str
    people: Iterable[Person]
    done: list[float] = field(default_factory=list)
    is_short: bool = False
    """Whether it ran out of people before its time was up."""

    async def run(self, until: float) -> None:
        place = urlsplit(self.url)
        _, wire = await asyncio.get_running_loop().create_connection(Wire, place.hostname or "", place.port or 80)
        head = f"Host: {place.netloc}\r\nOrigin: {self.url}\r\n"
        for person in self.people:
            for asked in person:
                started = time.perf_counter()
                wire.transport.write(_request(head, asked))
                status, body = await wire.answer()
                if status != 200 or not body or asked["expect"].encode() not in body:
                    raise WrongAnswer(f"{status} {body[:300]!r}")
                self.done.append(time.perf_counter() - started)
            if time.perf_counter() >= until:
                break
        else:
            self.is_short = True
        wire.transport.close()


def _request(head: str, asked: dict[str, Any]) -> bytes:
    body = asked["body"].replace("{key}", str(time.perf_counter_ns()))
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    headers = "".join(f"{name}: {value}\r\n" for name, value in asked["headers"].items())
    return f"{asked['method']} {asked['path']} HTTP/1.1\r\n{head}{headers}{length}\r\n{body}".encode()


async def run(url: str, seconds: float, callers: int, *, is_once: bool) -> dict[str, Any]:
    people: list[Person] = [json.loads(line) for line in sys.stdin]
    shares = [people[i::callers] for i in range(callers)]
    all_callers = [Caller(url, share if is_once else cycle(share)) for share in shares]
    until = time.perf_counter() + WARM_UP + seconds
    tasks = [asyncio.create_task(caller.run(until)) for caller in all_callers]
    await asyncio.sleep(WARM_UP)
    before, cpu = sum(len(c.done) for c in all_callers), time.process_time()
    await asyncio.sleep(seconds)
    count, cpu = sum(len(c.done) for c in all_callers) - before, time.process_time() - cpu
    await asyncio.gather(*tasks)
    if any(caller.is_short for caller in all_callers):
        raise WrongAnswer("there were too few people for this time")
    times = sorted(took for caller in all_callers for took in caller.done)
    ms = [times[len(times) * share // 100] * 1000 for share in (50, 99)]
    return {"rate": count / seconds, "ms": ms, "all": len(times), "client_ms": cpu / max(count, 1) * 1000}


def main() -> None:
    url, seconds, callers, mode = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(url, float(seconds), int(callers), is_once=mode == "once"))))


if __name__ == "__main__":
    main()
