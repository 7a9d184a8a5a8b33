"""The preference center: pages read and changes written a second, beside a bare handler of aiohttp and motor.

The bare one answers a page after one `find_one`, and a change after one `update_one` as durable as ours. Both are
measured in turn by the same people (`request_load.py`) against the same mongod.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

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
from tests.bench.phones import numbers
from tests.bench.requests import Measured, Person, asked, mean, measure_requests, rows_of
from tests.bench.servers import DATABASE, Served, bare, sayso
from tests.bench.size import Size
from tests.bench.table import table

PEOPLE, CALLERS = 320, 32
PAGE = {"Accept": "text/html", "Accept-Encoding": "gzip"}
FORM = {"Accept": "text/html", "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded"}


async def measure_preferences(mongo: EmbeddedServer, size: Size) -> list[Figure]:
    async with open_store(mongo.url, DATABASE) as store:
        await store.prepare()
        await make_demo(store, "http://bench.test")
        tokens = await _people(store)
        async with sayso(mongo) as ours, bare(mongo) as theirs:
            our_people = await _ours(ours, tokens)
            their_people = _theirs()
            found = {}
            for mode in ("read", "write"):
                pairs = [(ours, our_people[mode]), (theirs, their_people[mode])] * size.rounds
                all_ = [await measure_requests(s, mongo, people, size.round_seconds, CALLERS) for s, people in pairs]
                found[mode] = mean(all_[0::2]), mean(all_[1::2])
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


async def _ours(server: Served, tokens: list[str]) -> dict[str, list[Person]]:
    """What each person's page asks for, read from the page."""
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/p/{tokens[0]}") as answer:
        page = await answer.text()
    version = re.search(
        rf'name="subscription" value="{DEALS}">\s*<input type="hidden" name="version" value="([^"]+)"', page
    )
    if version is None:
        raise RuntimeError("the page offers no deals")
    form = {"subscription": DEALS, "version": version[1], "locale": "en"}
    shown = f'id="switch-{DEALS}" type="submit" role="switch" aria-checked='
    turns = [({**form, "change": "opt_out"}, f'{shown}"false"'), ({**form, "change": "opt_in"}, f'{shown}"true"')]
    return _people_of([f"/p/{token}" for token in tokens], turns)


def _theirs() -> dict[str, list[Person]]:
    turns = [({"on": on}, f"<b>{on}</b>") for on in ("false", "true")]
    return _people_of([f"/preferences/{i:04}" for i in range(PEOPLE)], turns)


def _people_of(paths: list[str], turns: list[tuple[dict[str, str], str]]) -> dict[str, list[Person]]:
    """The answers to changes aren't compressed: they are read."""
    return {
        "read": [[asked("GET", path, headers=PAGE)] for path in paths],
        "write": [
            [
                asked("POST", path, headers=FORM, body=f"{urlencode(form)}&key={{key}}", expect=expect)
                for form, expect in turns
            ]
            for path in paths
        ],
    }


def _show(found: dict[str, tuple[Measured, Measured]], seconds: float) -> None:
    names = {"read": "pages read", "write": "changes written"}
    rows = [row for mode, measured in found.items() for row in rows_of(names[mode], *measured)]
    title = f"Preference center: {CALLERS} people at once, {seconds:g} s each; changes durable (w: majority, j: true)"
    table(title, ["", "Sayso", "bare", "Sayso / bare"], rows)
    print("\n  Bare: aiohttp and one find_one, or one update_one, by motor, and a line of HTML (tests/bench/bare.py).")
