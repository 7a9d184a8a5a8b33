"""`verify` names what was done to the ledger behind our back, and repairs what a crash left."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.consent.checkpoints import CheckpointKeys
from bot.consent.ledger import Ledger
from bot.consent.verify import verify
from bot.demo import DEALS
from bot.model.contact import ConsentState, Contact
from bot.model.event import Action
from bot.model.event_hash import FIRST
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.people import ANOTHER, AT, NUMBER, change

MakeContact = Callable[..., Awaitable[Contact]]
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody writes, so nothing is under way."""
    monkeypatch.setattr("bot.consent.verify.UNDER_WAY", timedelta(0))


@pytest.fixture
async def ada(store: Store, make_contact: MakeContact) -> Contact:
    """Ada, who said yes, no, yes; and Bob, who said yes and is always whole."""
    ada, bob = await make_contact(), await make_contact()
    ledger = Ledger(store)
    for i, action in enumerate([Action.OPT_IN, Action.OPT_OUT, Action.OPT_IN]):
        await ledger.record(change(ada.id, f"k{i}", action))
    await ledger.record(change(bob.id, "k"))
    return ada


async def test_a_whole_ledger_is_whole(store: Store, ada: Contact) -> None:
    read: list[int] = []
    report = await verify(store, repair=False, progress=read.append)
    assert (report.is_whole, report.contacts, report.events, sum(read)) == (True, 2, 4, 4 + 2)
    assert (report.faults, report.stale) == ([], [])


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
async def test_the_size_of_a_step_changes_nothing(
    store: Store, ada: Contact, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    await store.events.collection.update_one({"_id": f"{ada.id}:0000000003"}, {"$set": {"number": ANOTHER}})
    monkeypatch.setattr("bot.consent.verify.BATCH", limit)
    read: list[int] = []
    report = await verify(store, repair=False, progress=read.append)
    assert (report.contacts, report.events, sum(read)) == (2, 3, 4 + 2)
    assert report.faults == [f"contact {ada.id}: event 3 was edited"]


async def test_an_empty_ledger_is_whole(store: Store) -> None:
    report = await verify(store, repair=False)
    assert (report.is_whole, report.contacts, report.events) == (True, 0, 0)


@pytest.mark.parametrize(
    "edit",
    [
        {"number": ANOTHER},
        {"action": "opt_in"},
        {"words": {"subscription_name": "x", "locale": "en", "act": "x"}},
        {"context": {"ip": "192.0.2.99"}},
        {"key": "other"},
        {"hash": "f" * 64},
    ],
)
async def test_an_edited_event_is_named(store: Store, ada: Contact, edit: dict[str, object]) -> None:
    await store.events.collection.update_one({"_id": f"{ada.id}:0000000002"}, {"$set": edit})
    report = await verify(store, repair=True)
    assert report.faults == [f"contact {ada.id}: event 2 was edited"]
    assert not report.is_whole


async def test_an_edited_time_is_named(store: Store, ada: Contact) -> None:
    event = await store.events.get(f"{ada.id}:0000000001")
    assert event
    await store.events.collection.update_one({"_id": event.id}, {"$set": {"at": event.at - timedelta(days=9000)}})
    assert (await verify(store, repair=False)).faults == [f"contact {ada.id}: event 1 was edited"]


async def test_an_event_edited_together_with_its_hash_is_named_by_the_one_after_it(store: Store, ada: Contact) -> None:
    event = await store.events.get(f"{ada.id}:0000000001")
    assert event
    edited = event.model_copy(update={"number": ANOTHER})
    signer = await CheckpointKeys(store).signing()  # whoever has the database has its key
    hash = edited.computed_hash()
    change = {"number": ANOTHER, "hash": hash, "signature": signer.sign_event(hash)}
    await store.events.collection.update_one({"_id": event.id}, {"$set": change})
    assert (await verify(store, repair=False)).faults == [
        f"contact {ada.id}: event 2 does not follow the one before it"
    ]


@pytest.mark.parametrize("seq", [1, 2])
async def test_a_removed_event_is_named(store: Store, ada: Contact, seq: int) -> None:
    await store.events.collection.delete_one({"_id": f"{ada.id}:{seq:010d}"})
    assert (await verify(store, repair=True)).faults == [f"contact {ada.id}: event {seq} is missing"]


async def test_a_removed_last_event_is_named(store: Store, ada: Contact) -> None:
    """The chain before it is whole: only the contact knows that there was one more."""
    await store.events.collection.delete_one({"_id": f"{ada.id}:0000000003"})
    report = await verify(store, repair=True)
    assert report.faults == [f"contact {ada.id}: event 3 is missing"]
    contact = await store.contacts.get(ada.id)
    assert contact
    assert contact.ledger.seq == 3, "a repair would have hidden it"


async def test_a_removed_line_is_named(store: Store, ada: Contact) -> None:
    await store.events.collection.delete_many({"contact": ada.id})
    assert (await verify(store, repair=True)).faults == [f"contact {ada.id}: event 3 is missing"]


async def test_two_swapped_events_are_named(store: Store, ada: Contact) -> None:
    events = store.events.collection
    one, two = [await events.find_one({"_id": f"{ada.id}:{seq:010d}"}) for seq in (1, 2)]
    assert one
    assert two
    await events.delete_many({"_id": {"$in": [one["_id"], two["_id"]]}})
    await events.insert_many([{**one, "_id": two["_id"], "seq": 2}, {**two, "_id": one["_id"], "seq": 1}])
    (fault,) = (await verify(store, repair=False)).faults
    assert fault.startswith(f"contact {ada.id}: event 1 ")


async def test_an_invented_event_is_named(store: Store, ada: Contact) -> None:
    last = await store.events.get(f"{ada.id}:0000000003")
    assert last
    forged = last.model_copy(update={"id": f"{ada.id}:0000000004", "seq": 4, "previous": FIRST})
    await store.events.insert(forged.model_copy(update={"hash": forged.computed_hash()}))
    assert (await verify(store, repair=True)).faults == [f"contact {ada.id}: event 4 does not follow the one before it"]


async def test_events_of_nobody_are_named(store: Store, ada: Contact) -> None:
    await store.contacts.collection.delete_one({"_id": ada.id})
    assert (await verify(store, repair=True)).faults == [f"contact {ada.id}: has events but does not exist"]


@pytest.mark.parametrize(
    "edit",
    [
        {"consents": [], "ledger": {"seq": 0, "hash": FIRST}},
        {"consents.0.state": "opted_out"},
        {"consents": []},
        {"consents.1": {"subscription": "x", "state": "opted_in", "at": AT, "source": "form", "event": "invented"}},
        {"phone": ANOTHER},
        {"ledger.hash": "f" * 64},
    ],
)
async def test_a_standing_that_differs_from_its_events_is_told_and_made_right_from_nothing(
    store: Store, ada: Contact, edit: dict[str, object]
) -> None:
    before = await store.contacts.get(ada.id)
    await store.contacts.collection.update_one({"_id": ada.id}, {"$set": edit})
    told = await verify(store, repair=False)
    assert (told.is_whole, told.stale, told.repaired, told.faults) == (False, [ada.id], [], [])
    repaired = await verify(store, repair=True)
    assert (repaired.is_whole, repaired.stale, repaired.repaired) == (True, [ada.id], [ada.id])
    after = await store.contacts.get(ada.id)
    assert before
    assert after
    assert after.model_dump(exclude={"updated_at"}) == before.model_dump(exclude={"updated_at"})
    assert (await verify(store, repair=False)).stale == []


async def test_pages_do_not_cut_a_line(store: Store, ada: Contact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(store.events).scan, "__kwdefaults__", {"batch": 2, "after": ""})
    assert (await verify(store, repair=False)).is_whole
    await store.events.collection.delete_one({"_id": f"{ada.id}:0000000002"})
    assert (await verify(store, repair=False)).faults == [f"contact {ada.id}: event 2 is missing"]


KILLED = """
import asyncio, os, signal, sys
from bot.consent.ledger import Ledger
from bot.store import open_store
from tests.people import change

async def main(url, contact):
    async with open_store(url, "sayso_test") as store:
        async def killed(pairs):
            os.kill(os.getpid(), signal.SIGKILL)
        store.contacts.project_many = killed
        await Ledger(store).record(change(contact, "k"))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("repairer", ["reader", "verify"])
async def test_a_process_killed_between_event_and_standing_loses_nothing(
    store: Store, make_contact: MakeContact, mongo: EmbeddedServer, repairer: str
) -> None:
    ada = await make_contact()
    command = [sys.executable, "-c", KILLED, mongo.url, ada.id]
    killed = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert await store.events.get(f"{ada.id}:0000000001")
    left = await store.contacts.get(ada.id)
    assert left
    assert (left.consents, left.ledger.seq) == ((), 0)
    if repairer == "reader":
        seen = await Ledger(store).contact(ada.id)
    else:
        report = await verify(store, repair=True)
        assert (report.is_whole, len(report.repaired)) == (True, 1)
        seen = await store.contacts.get(ada.id)
    assert seen
    consent = seen.consent(DEALS)
    assert consent
    assert (consent.state, seen.phone, seen.ledger.seq) == (ConsentState.OPTED_IN, NUMBER, 1)


@pytest.mark.parametrize(
    "edit",
    [
        {"$set": {"forged": True}},
        {"$set": {"words.forged": "x"}},
        {"$set": {"number": 1.5}},
        {"$set": {"seq": "1"}},
        {"$set": {"source": "nowhere"}},
        {"$set": {"at": "yesterday"}},
        {"$unset": {"action": ""}},
        {"$unset": {"hash": ""}},
    ],
    ids=str,
)
async def test_an_event_that_can_be_read_no_more_is_named_as_edited(
    store: Store, ada: Contact, edit: dict[str, dict[str, object]]
) -> None:
    await store.events.collection.update_one({"_id": f"{ada.id}:0000000001"}, edit)
    report = await verify(store, repair=True)
    assert report.faults == [f"contact {ada.id}: event 1 was edited"]
    assert report.contacts == 2


async def test_a_standing_without_any_event_is_found_and_taken_away(
    store: Store, ada: Contact, make_contact: MakeContact
) -> None:
    forger = await make_contact()
    found = await store.contacts.get(ada.id)
    assert found
    forged = {"consents": [consent.model_dump() for consent in found.consents]}
    await store.contacts.collection.update_one({"_id": forger.id}, {"$set": forged})
    report = await verify(store, repair=False)
    assert (report.stale, report.is_whole) == ([forger.id], False)
    assert (await verify(store, repair=True)).is_whole
    after = await store.contacts.get(forger.id)
    assert after
    assert after.consents == ()


async def test_it_finds_nothing_wrong_beside_writers(
    store: Store, ada: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.consent.verify.UNDER_WAY", timedelta(seconds=10))
    ledger = Ledger(store)
    writing = asyncio.create_task(
        ledger.record_many([change(ada.id, f"w{i}", Action.OPT_IN if i % 2 else Action.OPT_OUT) for i in range(60)])
    )
    reports = []
    while not writing.done():
        reports.append(await verify(store, repair=False))
    await writing
    assert reports
    assert [report for report in reports if not report.is_whole] == []
