"""People in their preference centers, in a process of their own: `python -m tests.bench.preference_load`.

`URL SECONDS CALLERS read|write`; what to ask for comes in by the standard input, one JSON line a person: the path, and
the forms that are posted in turn with what must be in the answer. Figures go out as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import urlencode, urlsplit

import uvloop

from tests.bench.load import WARM_UP, Wire, WrongAnswer


@dataclass
class Caller:
    """One browser after the other on one keep-alive connection; each person is only ever asked for here."""

    url: str
    people: list[dict[str, Any]]
    is_write: bool
    done: list[float] = field(default_factory=list)

    async def run(self, until: float) -> None:
        place = urlsplit(self.url)
        _, wire = await asyncio.get_running_loop().create_connection(Wire, place.hostname or "", place.port or 80)
        head = f"Host: {place.netloc}\r\nOrigin: {self.url}\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n"
        for person in cycle(self.people):
            turns = person["turns"] if self.is_write else [None]
            for turn in turns:
                started = time.perf_counter()
                wire.transport.write(self._post(head, person, turn) if turn else self._get(head, person))
                status, body = await wire.answer()
                if status != 200 or (turn and turn["expect"].encode() not in body) or not body:
                    raise WrongAnswer(f"{status} {body[:300]!r}")
                self.done.append(time.perf_counter() - started)
            if time.perf_counter() >= until:
                break
        wire.transport.close()

    def _get(self, head: str, person: dict[str, Any]) -> bytes:
        return f"GET {person['path']} HTTP/1.1\r\n{head}\r\n".encode()

    def _post(self, head: str, person: dict[str, Any], turn: dict[str, Any]) -> bytes:
        head = head.replace("Accept-Encoding: gzip\r\n", "")  # the answer is read
        body = urlencode({**turn["form"], "key": f"{time.perf_counter_ns()}"})
        kind = "HX-Request: true\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        return f"POST {person['path']} HTTP/1.1\r\n{head}{kind}Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def run(url: str, seconds: float, callers: int, *, is_write: bool) -> dict[str, Any]:
    people = [json.loads(line) for line in sys.stdin]
    all_callers = [Caller(url, people[i::callers], is_write) for i in range(callers)]
    until = time.perf_counter() + WARM_UP + seconds
    tasks = [asyncio.create_task(caller.run(until)) for caller in all_callers]
    await asyncio.sleep(WARM_UP)
    before, cpu = sum(len(c.done) for c in all_callers), time.process_time()
    await asyncio.sleep(seconds)
    count, cpu = sum(len(c.done) for c in all_callers) - before, time.process_time() - cpu
    await asyncio.gather(*tasks)
    times = sorted(took for caller in all_callers for took in caller.done)
    ms = [times[len(times) * share // 100] * 1000 for share in (50, 99)]
    return {"rate": count / seconds, "ms": ms, "all": len(times), "client_ms": cpu / max(count, 1) * 1000}


def main() -> None:
    url, seconds, callers, mode = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(url, float(seconds), int(callers), is_write=mode == "write"))))


if __name__ == "__main__":
    main()
