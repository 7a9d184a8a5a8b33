"""The REST API: requests a second, beside bare handlers of aiohttp and motor in the same run.

A bare read is one `find_one`, answered as JSON. A bare write is one insert of an event, or a transaction that inserts
the event and updates its contact, both as durable as ours. No bare handler knows tokens, limits or errors. Ours keeps
its rate limiter and all of its checks; each opt-in is another contact's first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from bot.consent.ledger import Ledger
from bot.consent.verify import verify
from bot.demo import DEALS, make_demo
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from bot.workspace.tokens import Tokens
from tests.bench.aims import Figure
from tests.bench.requests import Measured, Person, asked, mean, measure_requests, rows_of
from tests.bench.servers import DATABASE, Served, bare, sayso
from tests.bench.size import Size
from tests.bench.table import table
from tests.people import change

CALLERS, READ = 64, 512
MOST_A_SECOND = 3000
"""More opt-ins a second than any of them can do: so many contacts are made."""
WARM_UP = 1.0
OPT_IN = json.dumps({"id": DEALS, "consent_type": "opt_in"})
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
BARE_EVENT, BARE_TRANSACTION = "/api/contacts/{id}/subscriptions", "/api/contacts/{id}/transactions"


async def measure_api(mongo: EmbeddedServer, size: Size) -> list[Figure]:
    async with open_store(mongo.url, DATABASE) as store:
        await store.prepare()
        await make_demo(store, "http://bench.test")
        readers, headers = await _readers(store), {"Authorization": f"Bearer {await _token(store)}"}
        async with sayso(mongo) as ours, bare(mongo) as theirs:
            found = {
                name: await _reads(mongo, size, readers, ours, theirs, path, headers)
                for name, path in (
                    ("subscriptions", "subscriptions"),
                    ("permission", f"permissions?subscription={DEALS}"),
                )
            }
            found["opt-in"] = await _writes(store, mongo, size, ours, theirs, BARE_EVENT, headers)
            found["opt-in, transaction"] = await _writes(store, mongo, size, ours, theirs, BARE_TRANSACTION, headers)
        rows = [row for name, measured in found.items() for row in rows_of(name, *measured)]
        table(f"API: {CALLERS} callers at once, {size.seconds:g} s each", ["", "Sayso", "bare", "Sayso / bare"], rows)
        report = await verify(store, repair=False)
        if not report.is_whole:
            raise RuntimeError(f"{report.faults[:3]} {report.stale[:3]} {report.miscounted}")
        print(f"  Checked: every answer, {report.events:,} consents in the ledger, every chain whole.")
    ratio = {name: ours.rate / theirs.rate for name, (ours, theirs) in found.items()}
    return [
        Figure("API: GET a contact's subscriptions, to the bare peer", ratio["subscriptions"], 0.6),
        Figure("API: GET a permission, to the bare peer", ratio["permission"], 0.6),
        Figure("API: POST opt-in, to a bare insert", ratio["opt-in"], 0.5),
        Figure(f"API: POST opt-in at {CALLERS} at once, to a bare transaction", ratio["opt-in, transaction"], 2),
    ]


async def _token(store: Store) -> str:
    owner = await store.teammates.find_one({})
    assert owner
    return await Tokens(store).make(owner, "bench")


async def _readers(store: Store) -> list[str]:
    """Contacts who get the deals."""
    ids = await _contacts(store, READ)
    ledger = Ledger(store)
    await ledger.record_many([change(id, "k", number=_number(i), subscription=DEALS) for i, id in enumerate(ids)])
    return ids


async def _contacts(store: Store, count: int) -> list[str]:
    """New contacts with a number, and the bare peer's documents of the same ids."""
    time, ids = now(), [new_id() for _ in range(count)]
    for some in _hundreds(ids):
        await store.contacts.insert_many(
            [Contact(id=id, phone=_number(i), created_at=time, updated_at=time) for i, id in some]
        )
        consent = {"subscription": DEALS, "name": "Deals and new roasts", "state": "opted_in", "at": time.timestamp()}
        raw = [{"_id": id, "phone": _number(i), "consents": [consent]} for i, id in some]
        await store.database.client["bare"]["contacts"].insert_many(raw)
    return ids


def _hundreds(ids: list[str]) -> Iterable[list[tuple[int, str]]]:
    numbered = [*enumerate(ids)]
    return (numbered[i : i + 500] for i in range(0, len(numbered), 500))


def _number(i: int) -> str:
    return f"+1{(201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213)[i // 9000 % 11]}555{1000 + i % 9000}"


async def _reads(
    mongo: EmbeddedServer,
    size: Size,
    readers: list[str],
    ours: Served,
    theirs: Served,
    path: str,
    headers: dict[str, str],
) -> tuple[Measured, Measured]:
    our_people = [[asked("GET", f"/api/contacts/{id}/{path}", headers=headers, expect=DEALS)] for id in readers]
    bare_people = [[asked("GET", f"/api/contacts/{id}/subscriptions", expect=DEALS)] for id in readers]
    pairs = [(ours, our_people), (theirs, bare_people)] * size.rounds
    all_ = [await measure_requests(s, mongo, people, size.round_seconds, CALLERS) for s, people in pairs]
    return mean(all_[0::2]), mean(all_[1::2])


async def _writes(
    store: Store,
    mongo: EmbeddedServer,
    size: Size,
    ours: Served,
    theirs: Served,
    bare_path: str,
    headers: dict[str, str],
) -> tuple[Measured, Measured]:
    pairs = [(ours, BARE_EVENT, headers), (theirs, bare_path, {})] * size.rounds
    all_ = []
    for server, path, extra in pairs:
        ids = await _contacts(store, int(MOST_A_SECOND * (size.round_seconds + WARM_UP)))
        people: list[Person] = [
            [asked("POST", path.format(id=id), headers=JSON | extra, body=OPT_IN, expect=DEALS)] for id in ids
        ]
        all_.append(await measure_requests(server, mongo, people, size.round_seconds, CALLERS, once=True))
    return mean(all_[0::2]), mean(all_[1::2])
