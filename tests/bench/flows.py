"""Whole form flows a second: a new visitor, chat and card received, number submitted, "done" received.

The peer (`bare.py`), Sayso, and Sayso with every visitor's live line are measured one after the other by the same
visitors (`load.py`) against the same mongod.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from bot.consent.verify import verify
from bot.model.delivery import DeliveryState
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.bench.load import WARM_UP, Figures
from tests.bench.machine import Watch
from tests.bench.phones import numbers
from tests.bench.servers import DATABASE, ROOT, Served, bare, environment, sayso
from tests.bench.table import aim, table

VISITORS = 32
CALLS = 2
CALL_NAMES = ("open", "hello to ready", "card", "done to bot's words")
COMMANDS = ("find", "getMore", "aggregate", "count", "insert", "update", "commitTransaction")
MOST_A_SECOND = 4000
"""Numbers are made for so many flows."""
SETTLE_SECONDS = 120
AIM = 1000


@dataclass(frozen=True, slots=True)
class Measured:
    load: Figures
    server_cpu: float
    """Seconds for all flows, with what follows from them: texts, entries, the flow's next step."""
    mongod_cpu: float
    others: float
    trips: float
    """Commands that the database answered for all flows."""
    written: float
    """Documents that it inserted or updated for them."""
    settled: float
    """Seconds after the last flow until nothing was left to do."""

    @property
    def rate(self) -> float:
        return self.load.flows / self.load.seconds

    @property
    def server_ms(self) -> float:
        return self.a_flow(self.server_cpu) * 1000

    @property
    def mongod_ms(self) -> float:
        return self.a_flow(self.mongod_cpu) * 1000

    def a_flow(self, figure: float) -> float:
        return figure / self.load.all_flows

    @property
    def client_ms(self) -> float:
        return self.load.cpu / self.load.flows * 1000


async def measure_flows(mongo: EmbeddedServer, seconds: float) -> None:
    people = numbers()
    async with open_store(mongo.url, DATABASE) as store:
        async with bare(mongo) as peer:
            least = await _measure(peer, mongo, store, people, seconds)
        async with sayso(mongo) as server:
            plain = await _measure(server, mongo, store, people, seconds)
            live = await _measure(server, mongo, store, people, seconds, live=True)
        _show(least, plain, live)
        await _check(store, plain.load.all_flows + live.load.all_flows)


async def _measure(
    server: Served,
    mongo: EmbeddedServer,
    store: Store,
    people: Iterator[str],
    seconds: float,
    *,
    live: bool = False,
) -> Measured:
    given = "\n".join(islice(people, int((seconds + WARM_UP) * MOST_A_SECOND)))
    watch, before = Watch({"server": server.pid, "mongod": mongo.pid}), await _database_work(store)
    load = await _run_load(server.url, given, seconds, live=live)
    others = watch.others(extra=load.all_cpu)
    settled = await _settle(store)
    used, after = watch.used(), await _database_work(store)
    trips, written = (now - then for now, then in zip(after, before, strict=True))
    return Measured(load, used["server"], used["mongod"], others, trips, written, settled)


async def _run_load(url: str, given: str, seconds: float, *, live: bool) -> Figures:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.load", url, str(seconds), str(VISITORS), "live" if live else "plain"),
        cwd=ROOT,
        env=environment({}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(given.encode())
    if process.returncode:
        raise RuntimeError("the visitors gave up: see above")
    return Figures(**json.loads(said))


async def _database_work(store: Store) -> tuple[int, int]:
    """Commands answered and documents written since the database was started."""
    figures = (await store.database.client.admin.command("serverStatus"))["metrics"]
    written = figures["document"]["inserted"] + figures["document"]["updated"]
    return sum(figures["commands"][name]["total"] for name in COMMANDS), written


async def _settle(store: Store) -> float:
    """Waits until every consequence of every card is done, and every text handed over."""
    started = time.perf_counter()
    under_way = {"state": {"$in": [DeliveryState.QUEUED.value, DeliveryState.SENDING.value]}}
    async with asyncio.timeout(SETTLE_SECONDS):
        while await store.parts.collection.find_one(  # noqa: ASYNC110 - a database is awaited
            {"follow_up": {"$exists": True}}, {"_id": 1}
        ) or (await store.deliveries.collection.find_one(under_way, {"_id": 1})):
            await asyncio.sleep(0.1)
    return time.perf_counter() - started


def _show(least: Measured, plain: Measured, live: Measured) -> None:
    columns = (plain, live, least)

    def row(name: str, figure: Callable[[Measured], float], form: str = ".2f", *, ratio: bool = True) -> list[str]:
        shown = [format(figure(m), form) for m in columns]
        return [name, *shown, f"{figure(plain) / figure(least):.2f}" if ratio else ""]

    rows = [
        row("flows a second", lambda m: m.rate, ",.0f"),
        row("calls a second", lambda m: m.rate * CALLS, ",.0f"),
        row("server CPU, ms a flow", lambda m: m.server_ms),
        row("server CPU, ms a call", lambda m: m.server_ms / CALLS),
        row("mongod CPU, ms a flow", lambda m: m.mongod_ms),
        row("database commands a flow", lambda m: m.a_flow(m.trips)),
        row("documents written a flow", lambda m: m.a_flow(m.written)),
        row("visitors' CPU, ms a flow", lambda m: m.client_ms),
        *(
            [f"{call}, {name}, ms", *(f"{m.load.ms[call][i]:.1f}" if call in m.load.ms else "-" for m in columns), ""]
            for call in CALL_NAMES
            for i, name in enumerate(("median", "99th percentile"))
        ),
        row("all consequences done after, s", lambda m: m.settled, ".1f", ratio=False),
        row("cores taken by others meanwhile", lambda m: m.others, ratio=False),
    ]
    title = (
        f"Form flows: {VISITORS} visitors at once, {plain.load.seconds:g} s each; "
        'consent durable (w: majority, j: true) before "done"'
    )
    table(title, ["", "Sayso", "Sayso, live lines", "bare peer", "Sayso / bare"], rows)
    print(f"\n  {aim(plain.rate, AIM, f'{AIM:,} flows a second')} ({plain.rate:,.0f}).")
    print("  Sayso's CPU is with all that follows from a flow: text queued and sent, entries, the bot's next step.")
    print(
        "  Bare peer: aiohttp and one insert by motor, nothing else (tests/bench/bare.py). Same visitors, same mongod."
    )


async def _check(store: Store, flows: int) -> None:
    """Nothing was lost and nothing made up, or the figures are worth nothing."""
    kept = await store.events.collection.count_documents({"action": "opt_in"})
    report = await verify(store, repair=False)
    if kept != flows or not report.is_whole:
        raise RuntimeError(f"{flows} flows ended, {kept} consents kept; {report.faults[:3]} {report.stale[:3]}")
    print(f"  Checked: {flows:,} flows, {kept:,} consents in the ledger, every chain whole.")
