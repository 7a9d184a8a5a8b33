"""Requests a second, and what each costs: `request_load.py` asks, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.store.embedded import EmbeddedServer
from tests.bench.machine import Watch
from tests.bench.servers import ROOT, Served, environment

Person = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Measured:
    rate: float
    ms: list[float]
    server_ms: float
    mongod_ms: float


def asked(
    method: str, path: str, *, headers: dict[str, str] | None = None, body: str = "", expect: str = ""
) -> dict[str, Any]:
    return {"method": method, "path": path, "headers": headers or {}, "body": body, "expect": expect}


async def measure_requests(
    server: Served, mongo: EmbeddedServer, people: Sequence[Person], seconds: float, callers: int, *, once: bool = False
) -> Measured:
    """`once`: each person's requests are made a single time, so there must be enough people."""
    watch = Watch({"server": server.pid, "mongod": mongo.pid})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.request_load", server.url, str(seconds), str(callers)),
        "once" if once else "again",
        cwd=ROOT,
        env=environment({}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate("\n".join(json.dumps(person) for person in people).encode())
    if process.returncode:
        raise RuntimeError("the callers gave up: see above")
    figures, used = json.loads(said), watch.used()
    cpu = {name: used[name] / figures["all"] * 1000 for name in ("server", "mongod")}
    return Measured(figures["rate"], figures["ms"], cpu["server"], cpu["mongod"])


def mean(of: Sequence[Measured]) -> Measured:
    n = len(of)
    return Measured(
        rate=sum(m.rate for m in of) / n,
        ms=[sum(m.ms[i] for m in of) / n for i in (0, 1)],
        server_ms=sum(m.server_ms for m in of) / n,
        mongod_ms=sum(m.mongod_ms for m in of) / n,
    )


def rows_of(name: str, ours: Measured, theirs: Measured) -> list[list[str]]:
    return [
        [f"{name} a second", f"{ours.rate:,.0f}", f"{theirs.rate:,.0f}", f"{ours.rate / theirs.rate:.2f}"],
        [f"{name}: median, ms", f"{ours.ms[0]:.1f}", f"{theirs.ms[0]:.1f}", ""],
        [f"{name}: 99th percentile, ms", f"{ours.ms[1]:.1f}", f"{theirs.ms[1]:.1f}", ""],
        [f"{name}: server CPU, ms", f"{ours.server_ms:.2f}", f"{theirs.server_ms:.2f}", ""],
        [f"{name}: mongod CPU, ms", f"{ours.mongod_ms:.2f}", f"{theirs.mongod_ms:.2f}", ""],
    ]
