"""Whole form flows a second: a new visitor, chat and card received, number submitted, "done" received.

The bare peer (`bare.py`) and Sayso are measured in turn by the same visitors (`load.py`) against the same mongod: first
plain, then with a live line for each visitor.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from bot.consent.verify import verify
from bot.model.delivery import DeliveryState
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.bench.aims import Figure
from tests.bench.load import WARM_UP, Figures
from tests.bench.machine import Watch
from tests.bench.phones import numbers
from tests.bench.servers import DATABASE, ROOT, Served, bare, environment, sayso
from tests.bench.size import Size
from tests.bench.table import table

VISITORS = 32
CALL_NAMES = ("open", "hello to ready", "card", "done to bot's words")
COMMANDS = ("find", "getMore", "aggregate", "count", "insert", "update", "findAndModify", "delete", "commitTransaction")
MOST_A_SECOND = 4000
"""Numbers are made for so many flows."""
SETTLE_SECONDS = 120
QUIET_SECONDS, QUIET_WRITES = 0.3, 3
"""Nothing follows any more once so few documents are written in this time: leases are renewed all the while."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One round, or several: figures are sums, and times their means."""

    rounds: int
    flows: float
    all_flows: float
    """With those of the warm-up."""
    seconds: float
    server_cpu: float
    """Seconds for all flows, with what follows from them: texts, entries, the flow's next step."""
    mongod_cpu: float
    client_cpu: float
    others: float
    """Cores that other processes used meanwhile."""
    commands: float
    """Commands that the database answered for all flows."""
    written: float
    """Documents that it inserted or updated for them."""
    settled: float
    """Seconds after the last flow until nothing was left to do."""
    ms: dict[str, tuple[float, float]]

    @property
    def rate(self) -> float:
        return self.flows / self.seconds

    def each(self, figure: float) -> float:
        return figure / self.all_flows


async def measure_flows(mongo: EmbeddedServer, size: Size) -> list[Figure]:
    people, rounds = numbers(), list[list[Measured]]()
    async with open_store(mongo.url, DATABASE) as store, bare(mongo) as peer, sayso(mongo) as server:
        for _ in range(size.rounds):
            rounds.append([
                await _measure(served, mongo, store, people, size.round_seconds, live=live)
                for live in (False, True) for served in (peer, server)
            ])  # fmt: skip
        bare_plain, plain, bare_live, live = (_sum(of_one) for of_one in zip(*rounds, strict=True))
        _show(plain, bare_plain, live, bare_live)
        await _check(store, int(plain.all_flows + live.all_flows))
    return [
        Figure("form flows, to the bare peer", plain.rate / bare_plain.rate, 0.45, 0.55),
        Figure("form flows with live lines, to a bare peer with them", live.rate / bare_live.rate, 0.40),
        Figure("  commands a flow", plain.each(plain.commands)),
        Figure("  commands a flow, with live lines", live.each(live.commands)),
        Figure("  documents written a flow", plain.each(plain.written)),
        Figure("  documents written a flow, with live lines", live.each(live.written)),
    ]


async def _measure(
    server: Served, mongo: EmbeddedServer, store: Store, people: Iterator[str], seconds: float, *, live: bool
) -> Measured:
    given = "\n".join(islice(people, int((seconds + WARM_UP) * MOST_A_SECOND)))
    watch, before = Watch({"server": server.pid, "mongod": mongo.pid}), await _database_work(store)
    load = await _run_load(server.url, given, seconds, live=live)
    others = watch.others(extra=load.all_cpu)
    settled = await _settle(store)
    used, after = watch.used(), await _database_work(store)
    commands, written = (now - then for now, then in zip(after, before, strict=True))
    return Measured(
        rounds=1,
        flows=load.flows,
        all_flows=load.all_flows,
        seconds=load.seconds,
        server_cpu=used["server"],
        mongod_cpu=used["mongod"],
        client_cpu=load.cpu,
        others=others,
        commands=commands,
        written=written,
        settled=settled,
        ms=load.ms,
    )


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
    """Waits until every text was handed over and the database is written to no more."""
    started = time.perf_counter()
    under_way = {"state": {"$in": [DeliveryState.QUEUED.value, DeliveryState.SENDING.value]}}
    async with asyncio.timeout(SETTLE_SECONDS):
        while True:
            _, before = await _database_work(store)
            await asyncio.sleep(QUIET_SECONDS)
            _, after = await _database_work(store)
            if after - before <= QUIET_WRITES and not await store.deliveries.collection.find_one(under_way, {"_id": 1}):
                return time.perf_counter() - started - QUIET_SECONDS


def _sum(rounds: Sequence[Measured]) -> Measured:
    def total(name: str) -> float:
        return float(sum(getattr(m, name) for m in rounds))

    n = len(rounds)
    ms = {
        call: (_mean([m.ms[call][0] for m in rounds]), _mean([m.ms[call][1] for m in rounds])) for call in rounds[0].ms
    }
    sums = ("flows", "all_flows", "seconds", "server_cpu", "mongod_cpu", "client_cpu", "commands", "written")
    return Measured(
        rounds=n,
        **{name: total(name) for name in sums},
        others=total("others") / n,
        settled=total("settled") / n,
        ms=ms,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _show(*columns: Measured) -> None:
    def row(name: str, figures: Sequence[float], form: str = ".2f", *, ratio: bool = True) -> list[str]:
        plain, bare_plain, live, bare_live = figures
        shown = [format(figure, form) for figure in figures]
        ratios = [f"{a / b:.2f}" if ratio and b else "" for a, b in ((plain, bare_plain), (live, bare_live))]
        return [name, *shown[:2], ratios[0], *shown[2:], ratios[1]]

    def times(call: str, i: int) -> list[str]:
        shown = [f"{m.ms[call][i]:.1f}" if call in m.ms else "-" for m in columns]
        return [f"{call}, {('median', '99th percentile')[i]}, ms", *shown[:2], "", *shown[2:], ""]

    rows = [
        row("flows a second", [m.rate for m in columns], ",.0f"),
        row("server CPU, ms a flow", [m.each(m.server_cpu) * 1000 for m in columns]),
        row("mongod CPU, ms a flow", [m.each(m.mongod_cpu) * 1000 for m in columns]),
        row("database commands a flow", [m.each(m.commands) for m in columns]),
        row("documents written a flow", [m.each(m.written) for m in columns]),
        row("visitors' CPU, ms a flow", [m.client_cpu / m.flows * 1000 for m in columns]),
        *(times(call, i) for call in CALL_NAMES for i in (0, 1)),
        row("all consequences done after, s", [m.settled for m in columns], ".1f", ratio=False),
        row("cores used by other processes", [m.others for m in columns], ratio=False),
    ]
    title = (
        f"Form flows: {VISITORS} visitors at once, {columns[0].seconds:g} s each; "
        'consent durable (w: majority, j: true) before "done"'
    )
    table(title, ["", "Sayso", "bare", "Sayso / bare", "Sayso, live", "bare, live", "Sayso / bare"], rows)
    print("\n  Sayso's CPU is with all that follows from a flow: text queued and sent, entries, the bot's next step.")
    print("  Bare: aiohttp, one insert by motor and, live, one frame on the visitor's line (tests/bench/bare.py).")


async def _check(store: Store, flows: int) -> None:
    """No consent and no text was lost or made up, or the figures are worth nothing."""
    kept = await store.events.collection.count_documents({"action": "opt_in"})
    sent = await store.deliveries.collection.count_documents({"state": DeliveryState.SENT.value})
    report = await verify(store, repair=False)
    if kept != flows or sent != flows or not report.is_whole:
        found = f"{kept} consents kept, {sent} texts sent; {report.faults[:3]} {report.stale[:3]} {report.miscounted}"
        raise RuntimeError(f"{flows} flows ended, {found}")
    print(f"  Checked: {flows:,} flows, as many consents in the ledger and texts sent, every chain and count right.")
