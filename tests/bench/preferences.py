"""The preference center: pages read and changes written a second, beside a bare handler of aiohttp and motor.

The bare one answers a page after one `find_one`, and a change after one `update_one` as durable as ours. Both are
measured in turn by the same people (`preference_load.py`) against the same mongod.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.consent.changes import ConsentChange
from bot.consent.form_limits import FormLimits
from bot.consent.ledger import Ledger
from bot.consent.preferences import Preferences
from bot.consent.verify import verify
from bot.demo import DEALS, make_demo
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.event import Action, Actor, Source
from bot.model.subscription import MessageType
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from bot.workspace.current import workspace_loader
from tests.bench.aims import Figure
from tests.bench.machine import Watch
from tests.bench.phones import numbers
from tests.bench.servers import DATABASE, ROOT, Served, bare, environment, sayso
from tests.bench.size import Size
from tests.bench.table import table

PEOPLE, CALLERS = 320, 32


@dataclass(frozen=True, slots=True)
class Measured:
    rate: float
    ms: list[float]
    server_ms: float
    mongod_ms: float


async def measure_preferences(mongo: EmbeddedServer, size: Size) -> list[Figure]:
    async with open_store(mongo.url, DATABASE) as store:
        await store.prepare()
        await make_demo(store, "http://bench.test")
        tokens = await _people(store)
        async with sayso(mongo) as ours, bare(mongo) as theirs:
            our_people = await _ours(ours, tokens)
            their_people = [_theirs(i) for i in range(PEOPLE)]
            found = {}
            for mode in ("read", "write"):
                pairs = [(ours, our_people), (theirs, their_people)] * size.rounds
                all_ = [await _measure(s, mongo, people, size.round_seconds, mode) for s, people in pairs]
                found[mode] = _mean(all_[0::2]), _mean(all_[1::2])
        _show(found, size.seconds)
        report = await verify(store, repair=False)
        if not report.is_whole:
            raise RuntimeError(f"{report.faults[:3]} {report.stale[:3]} {report.miscounted}")
        print(f"  Checked: every answer, {report.events:,} consents in the ledger, every chain whole.")
    reads, writes = (ours.rate / theirs.rate for ours, theirs in (found["read"], found["write"]))
    return [
        Figure("preference writes, to the bare peer", writes, 0.5, 0.6),
        Figure("preference reads, to the bare peer", reads, 0.75),
    ]


async def _people(store: Store) -> list[str]:
    """People who get the deals, each with a link to their choices."""
    ledger = Ledger(store)
    limits = FormLimits(store, workspace_loader(store, None), network=0)
    preferences, phones, time = Preferences(store, ledger, limits, secret="s", link_days=9), numbers(), now()
    people = [Contact(id=new_id(), created_at=time, updated_at=time) for _ in range(PEOPLE)]
    await store.contacts.insert_many(people)
    await ledger.record_many(
        [
            ConsentChange(
                contact=person.id,
                subscription=DEALS,
                action=Action.OPT_IN,
                source=Source.IMPORT,
                actor=Actor(kind="system", id="bench"),
                number=_e164(next(phones)),
                key="bench",
            )
            for person in people
        ]
    )
    return [await preferences.make_link(person.id, MessageType.SMS) for person in people]


def _e164(typed: str) -> str:
    digits = re.sub(r"\D", "", typed)
    return f"+{digits}" if typed.strip().startswith("+") else f"+1{digits}"


async def _ours(server: Served, tokens: list[str]) -> list[dict[str, Any]]:
    """What each person's page sends, read from the page."""
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/p/{tokens[0]}") as answer:
        page = await answer.text()
    version = re.search(
        rf'name="subscription" value="{DEALS}">\s*<input type="hidden" name="version" value="([^"]+)"', page
    )
    if version is None:
        raise RuntimeError("the page offers no deals")
    form = {"subscription": DEALS, "version": version[1], "locale": "en"}
    shown = f'id="switch-{DEALS}" type="submit" role="switch" aria-checked='
    turns = [
        {"form": {**form, "change": "opt_out"}, "expect": f'{shown}"false"'},
        {"form": {**form, "change": "opt_in"}, "expect": f'{shown}"true"'},
    ]
    return [{"path": f"/p/{token}", "turns": turns} for token in tokens]


def _theirs(i: int) -> dict[str, Any]:
    turns = [{"form": {"on": on}, "expect": f"<b>{on}</b>"} for on in ("false", "true")]
    return {"path": f"/preferences/{i:04}", "turns": turns}


async def _measure(
    server: Served, mongo: EmbeddedServer, people: list[dict[str, Any]], seconds: float, mode: str
) -> Measured:
    watch = Watch({"server": server.pid, "mongod": mongo.pid})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.preference_load", server.url, str(seconds), str(CALLERS), mode),
        cwd=ROOT,
        env=environment({}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate("\n".join(json.dumps(person) for person in people).encode())
    if process.returncode:
        raise RuntimeError("the people gave up: see above")
    figures, used = json.loads(said), watch.used()
    cpu = {name: used[name] / figures["all"] * 1000 for name in ("server", "mongod")}
    return Measured(figures["rate"], figures["ms"], cpu["server"], cpu["mongod"])


def _mean(of: list[Measured]) -> Measured:
    n = len(of)
    return Measured(
        rate=sum(m.rate for m in of) / n,
        ms=[sum(m.ms[i] for m in of) / n for i in (0, 1)],
        server_ms=sum(m.server_ms for m in of) / n,
        mongod_ms=sum(m.mongod_ms for m in of) / n,
    )


def _show(found: dict[str, tuple[Measured, Measured]], seconds: float) -> None:
    rows = []
    for mode, (ours, theirs) in found.items():
        name = {"read": "pages read", "write": "changes written"}[mode]
        rows += [
            [f"{name} a second", f"{ours.rate:,.0f}", f"{theirs.rate:,.0f}", f"{ours.rate / theirs.rate:.2f}"],
            [f"{mode}: median, ms", f"{ours.ms[0]:.1f}", f"{theirs.ms[0]:.1f}", ""],
            [f"{mode}: 99th percentile, ms", f"{ours.ms[1]:.1f}", f"{theirs.ms[1]:.1f}", ""],
            [f"{mode}: server CPU, ms", f"{ours.server_ms:.2f}", f"{theirs.server_ms:.2f}", ""],
            [f"{mode}: mongod CPU, ms", f"{ours.mongod_ms:.2f}", f"{theirs.mongod_ms:.2f}", ""],
        ]
    title = f"Preference center: {CALLERS} people at once, {seconds:g} s each; changes durable (w: majority, j: true)"
    table(title, ["", "Sayso", "bare", "Sayso / bare"], rows)
    print("\n  Bare: aiohttp and one find_one, or one update_one, by motor, and a line of HTML (tests/bench/bare.py).")
