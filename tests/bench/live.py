"""From an agent's send to the visitor's receipt over the messenger's live line, with more and more messengers open.

Beside it stands a bare WebSocket echo of aiohttp (`bare.py`) with as many open sockets: a message that goes nowhere and
is kept nowhere. Each measure has a server of its own, so that no memory of an earlier one is used again.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass

from yarl import URL

from bot.consent.verify import verify
from bot.demo import make_demo
from bot.store import open_store
from bot.store.embedded import EmbeddedServer
from tests.bench.aims import Figure
from tests.bench.live_load import A_SECOND
from tests.bench.machine import Watch
from tests.bench.servers import DATABASE, ROOT, Served, bare, environment, sayso
from tests.bench.size import Size
from tests.bench.table import table
from tests.widget.desk import at_desk

MOST_MS = 10


@dataclass(frozen=True, slots=True)
class Measured:
    ms: list[float]
    """Median and 99th percentile."""
    messages: int
    memory: float
    """Bytes of the server a connection."""
    cpu: float
    """Seconds of the process that measured."""
    others: float
    """Cores that were busy with anything else meanwhile."""


async def measure_live(mongo: EmbeddedServer, size: Size) -> list[Figure]:
    found = []
    async with open_store(mongo.url, DATABASE) as store:
        await store.prepare()
        await make_demo(store, "http://bench.test")
        for count in size.open_lines:
            async with sayso(mongo) as server:
                ours = await _measure(server, mongo, count, size.seconds, await _session(server.url))
            async with bare(mongo) as server:
                found.append((count, ours, await _measure(server, mongo, count, size.seconds, None)))
        _show(found, size.seconds)
        if not (report := await verify(store, repair=False)).is_whole:
            raise RuntimeError(f"{report.faults[:3]} {report.stale[:3]} {report.miscounted}")
    return [_figure(count, ours) for count, ours, _ in found if count in {1, 1000}]


def _figure(count: int, ours: Measured) -> Figure:
    name = f"an agent's message to the visitor's line, {count:,} open, ms"
    return Figure(name, ours.ms[0], MOST_MS, is_limit=True, form=".1f")


async def _session(url: str) -> dict[str, str]:
    """Of the demo's agent."""
    async with at_desk(url) as desk:
        cookies = desk.session.cookie_jar.filter_cookies(URL(url))
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
        return {"cookie": cookie, "csrf": await desk.csrf()}


async def _measure(
    server: Served, mongo: EmbeddedServer, count: int, seconds: float, session: dict[str, str] | None
) -> Measured:
    kind = "sayso" if session else "echo"
    watch = Watch({"server": server.pid, "mongod": mongo.pid})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.live_load", server.url, str(server.pid), str(seconds), str(count), kind),
        cwd=ROOT,
        env=environment({}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(json.dumps(session).encode())
    if process.returncode:
        raise RuntimeError("the messengers gave up: see above")
    figures = json.loads(said)
    return Measured(**figures, others=watch.others(extra=figures["cpu"]))


def _show(found: list[tuple[int, Measured, Measured]], seconds: float) -> None:
    rows = [
        [
            f"{count:,}",
            *(f"{ms:.1f}" for ms in ours.ms),
            *(f"{ms:.2f}" for ms in theirs.ms),
            *(f"{m.memory / 1024:.0f}" if count > 1 else "-" for m in (ours, theirs)),
            *(f"{m.others:.2f}" for m in (ours, theirs)),
        ]
        for count, ours, theirs in found
    ]
    title = f"Live: {A_SECOND} messages a second for {seconds:g} s, each to one of the open messengers"
    head = ["open", "Sayso: median, ms", "99th, ms", "echo: median, ms", "99th, ms"]
    table(title, [*head, "Sayso: kB a line", "echo", "others' cores: Sayso", "echo"], rows)
    messages = sum(ours.messages for _, ours, _ in found)
    print(f"\n  Checked: {messages:,} messages, each came once, to the one whom it was written to.")
    print("  Sayso: the agent's POST, a durable write (w: majority, j: true), the change stream, the visitor's line.")
    print("  Echo: a WebSocket of aiohttp that sends back what it hears, on the same line (tests/bench/bare.py).")
