"""Checkpoints are independent witnesses: what was cut, forged or rewritten is named, and no repair hides it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ulid import ULID

from bot.consent.checkpoint_file import append, export
from bot.consent.checkpoints import MOST, CheckpointKeys, CheckpointLog
from bot.consent.ledger import Ledger
from bot.consent.verify import Report, verify
from bot.errors import CheckpointKeyMissing
from bot.model.base import new_ulid, now
from bot.model.checkpoint import LedgerNote, checkpoint_id
from bot.model.contact import ConsentState, Contact
from bot.model.event import Action, Actor, ConsentEvent, Source
from bot.model.event_hash import FIRST
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.people import ANOTHER, AT, change, second_process, tells_number

MakeContact = Callable[..., Awaitable[Contact]]
OUTSIDE, FORMER = "o" * 40, "f" * 40


@pytest.fixture(autouse=True)
def _at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody writes, all clocks agree, and every event is old enough to have a checkpoint."""
    monkeypatch.setattr("bot.consent.verify.UNDER_WAY", timedelta(0))
    for module in ("checkpoints", "witnesses"):
        monkeypatch.setattr(f"bot.consent.{module}.SKEW", timedelta(0))


@pytest.fixture
async def ada(store: Store, make_contact: MakeContact) -> Contact:
    """Ada, who said yes, no, yes and no; Bob, who said yes. Both are in the first checkpoint, by a server that began
    before them."""
    await cover(store)
    ada, bob = await make_contact(), await make_contact()
    await decide(store, ada, Action.OPT_IN, Action.OPT_OUT, Action.OPT_IN, Action.OPT_OUT)
    await decide(store, bob, Action.OPT_IN)
    await cover(store)
    await asyncio.sleep(0.002)  # the next event is of a later millisecond than the checkpoint
    return ada


async def decide(store: Store, contact: Contact, *actions: Action, key: str = "") -> None:
    """`key`: what the processes have in SAYSO_CHECKPOINT_KEY."""
    before = await store.events.after(contact.id, 0, limit=100)
    ledger = Ledger(store, CheckpointKeys(store, [key] if key else []))
    for i, action in enumerate(actions, len(before)):
        await ledger.record(change(contact.id, f"k{i}", action))


async def cover(store: Store, *secrets: str) -> None:
    await CheckpointLog(store, CheckpointKeys(store, secrets)).cover()


async def check(store: Store, *secrets: str, repair: bool = False, against: Path | None = None) -> Report:
    return await verify(store, repair=repair, keys=CheckpointKeys(store, secrets), against=against)


async def checkpoints(store: Store) -> list[dict[str, Any]]:
    return await store.checkpoints.page_raw("", limit=100)


async def cut(store: Store, contact: Contact, seq: int) -> None:
    """Deletes the events after `seq`, and sets the head back to it."""
    await store.events.collection.delete_many({"contact": contact.id, "seq": {"$gt": seq}})
    last = await store.events.get(f"{contact.id}:{seq:010d}")
    head = {"seq": seq, "hash": last.hash} if last else {"seq": 0, "hash": FIRST}
    await store.contacts.collection.update_one({"_id": contact.id}, {"$set": {"ledger": head}})


def rehashed(event: ConsentEvent, /, **values: Any) -> ConsentEvent:
    new = event.model_copy(update=values)
    return new.model_copy(update={"hash": new.computed_hash()})


async def test_a_whole_ledger_agrees_with_its_checkpoints(store: Store, ada: Contact) -> None:
    report = await check(store)
    assert (report.is_whole, report.faults, report.checkpoints) == (True, [], 1)
    (kept,) = await checkpoints(store)
    assert len(kept["entries"]) == 5


async def test_an_erased_person_is_no_cut(store: Store, ada: Contact) -> None:
    ledger = Ledger(store)
    await ledger.erase(ada.id, Actor(kind="system", id="test"), Source.SYSTEM, "erase")
    for _ in range(2):
        assert (await check(store)).faults == []
        await cover(store)
    kept = json.dumps([c["entries"] for c in await checkpoints(store)])
    assert not tells_number(kept)


class TestAttacks:
    """Each of these was whole, or a mild hint, to the chains alone."""

    @pytest.mark.parametrize("is_repaired", [False, True])
    async def test_the_last_event_is_deleted_and_the_head_set_back(
        self, store: Store, ada: Contact, is_repaired: bool
    ) -> None:
        await cut(store, ada, 3)
        if is_repaired:
            await check(store, repair=True)
        report = await check(store)
        assert not report.is_whole
        assert [fault for fault in report.faults if ada.id in fault and "event 4 is missing: checkpoint 1 of" in fault]
        contact = await store.contacts.get(ada.id)
        assert contact
        assert [c.state for c in contact.consents] == [ConsentState.OPTED_OUT], "the opt-out is not repaired away"

    @pytest.mark.parametrize("is_repaired", [False, True])
    async def test_a_contact_and_its_chain_are_deleted(self, store: Store, ada: Contact, is_repaired: bool) -> None:
        await store.events.collection.delete_many({"contact": ada.id})
        await store.contacts.collection.delete_one({"_id": ada.id})
        if is_repaired:
            assert not (await check(store, repair=True)).is_whole
        report = await check(store)
        (fault,) = report.faults
        assert f"contact {ada.id}: event 1 is missing: checkpoint 1" in fault

    @pytest.mark.parametrize("is_repaired", [False, True])
    async def test_a_contact_and_its_chain_are_forged(
        self, store: Store, ada: Contact, make_contact: MakeContact, is_repaired: bool
    ) -> None:
        """With correct hashes, and dated before the last checkpoint."""
        forger, (first, *_) = await make_contact(), await store.events.after(ada.id, 0, limit=1)
        id = f"{forger.id}:0000000001"
        event = rehashed(first, id=id, event=str(ULID.from_datetime(first.at)), contact=forger.id, key=f"{forger.id}:k")
        await store.events.insert(event)
        await Ledger(store).contact(forger.id)
        await decide(store, ada, Action.OPT_IN)
        await asyncio.sleep(0.002)
        await cover(store)  # a later checkpoint, with an event that is as old as it says, does not make it older
        if is_repaired:
            assert not (await check(store, repair=True)).is_whole
        report = await check(store)
        (fault,) = report.faults
        assert f"contact {forger.id}: event 1 is in no checkpoint of its time" in fault

    async def test_an_event_is_forged_with_another_time_than_its_id(self, store: Store, ada: Contact) -> None:
        await decide(store, ada, Action.OPT_IN)
        event = (await store.events.after(ada.id, 4, limit=1))[0]
        past = rehashed(event, at=event.at - timedelta(days=300))
        await store.events.collection.update_one({"_id": event.id}, {"$set": {"at": past.at, "hash": past.hash}})
        await store.contacts.collection.update_one({"_id": ada.id}, {"$set": {"ledger.hash": past.hash}})
        await asyncio.sleep(0.002)
        await cover(store)
        assert [f for f in (await check(store)).faults if "event 5 " in f]

    @pytest.mark.parametrize("is_repaired", [False, True])
    async def test_a_chain_is_rewritten_with_new_hashes(self, store: Store, ada: Contact, is_repaired: bool) -> None:
        previous = FIRST
        for event in await store.events.after(ada.id, 0, limit=10):
            new = rehashed(event, number=ANOTHER, previous=previous)
            await store.events.collection.update_one(
                {"_id": event.id}, {"$set": {"number": ANOTHER, "previous": previous, "hash": new.hash}}
            )
            previous = new.hash
        await store.contacts.collection.update_one({"_id": ada.id}, {"$set": {"ledger.hash": previous}})
        if is_repaired:
            assert not (await check(store, repair=True)).is_whole
        report = await check(store)
        assert [f for f in report.faults if f"contact {ada.id}: event 1 was rewritten: checkpoint 1 of" in f]

    async def test_a_repair_leaves_a_trace(self, store: Store, ada: Contact, make_contact: MakeContact) -> None:
        """A contact with a forged consent: what the repair takes away stays on record."""
        forger, owner = await make_contact(), await store.contacts.get(ada.id)
        assert owner
        forged = {"consents": [c.model_dump() | {"state": "opted_in"} for c in owner.consents]}
        await store.contacts.collection.update_one({"_id": forger.id}, {"$set": forged})
        assert (await check(store)).stale == [forger.id]
        assert (await check(store, repair=True)).repaired == [forger.id]
        for _ in range(2):
            (note,) = (await check(store)).notes
            assert f"contact {forger.id} was rebuilt because it differed from its events" in note
            assert "was opted_in, is none" in note
            await cover(store)

    async def test_what_a_crash_left_is_repaired_also_where_checkpoints_are_damaged(
        self, store: Store, ada: Contact
    ) -> None:
        await store.checkpoints.collection.delete_one({"_id": checkpoint_id(1)})
        last = (await store.events.after(ada.id, 3, limit=1))[0]
        before = {"ledger": {"seq": 3, "hash": last.previous}, "consents.0.state": "opted_in"}
        await store.contacts.collection.update_one({"_id": ada.id}, {"$set": before})
        assert (await check(store, repair=True)).repaired == [], "the rest of the consent is of event 4"

    async def test_too_many_contradictions_stop_every_repair(
        self, store: Store, ada: Contact, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.consent.verify.MOST", 0)
        await cut(store, ada, 3)
        bob = await make_contact()
        await store.contacts.collection.update_one({"_id": bob.id}, {"$set": {"consents": [{
            "subscription": "deals", "state": "opted_in", "at": now(), "source": "form", "event": "x"}]}})  # fmt: skip
        assert (await check(store, repair=True)).repaired == []


class TestTampering:
    """With the checkpoints themselves."""

    @pytest.fixture(autouse=True)
    async def _four(self, store: Store, ada: Contact) -> None:
        for action in (Action.OPT_IN, Action.OPT_OUT, Action.OPT_IN):
            await decide(store, ada, action)
            await cover(store)

    @pytest.mark.parametrize(
        ("deleted", "named"),
        [
            ([1], "checkpoint 1: missing"),
            ([2], "checkpoint 2: missing"),
            ([2, 3], "checkpoints 2 to 3: missing"),
            ([4], "checkpoint 4: missing"),
            ([3, 4], "checkpoints 3 to 4: missing"),
            ([1, 2, 3, 4], "checkpoints 1 to 4: missing"),
        ],
    )
    @pytest.mark.parametrize("goes_on", [False, True])
    async def test_deleted_ones_are_named_also_when_others_follow(
        self, store: Store, ada: Contact, deleted: list[int], named: str, goes_on: bool
    ) -> None:
        await store.checkpoints.collection.delete_many({"number": {"$in": deleted}})
        if goes_on:
            await decide(store, ada, Action.OPT_OUT)
            await cover(store)
        faults = (await check(store)).faults
        assert named in faults
        assert not (await check(store, repair=True)).is_whole

    async def test_a_deleted_record_of_the_newest_is_named_also_when_others_follow(
        self, store: Store, ada: Contact
    ) -> None:
        await store.checkpoints.collection.delete_one({"number": 4})
        await store.checkpoint_heads.collection.delete_many({})
        assert "the record of the newest checkpoint: missing" in (await check(store)).faults
        await decide(store, ada, Action.OPT_OUT)
        await cover(store)
        faults = (await check(store)).faults
        assert [f for f in faults if "says: the record of the newest checkpoint is missing" in f]

    @pytest.mark.parametrize(
        "edit",
        [
            {"entries": []},
            {"entries.0": f"nobody:0000000001 {FIRST}"},
            {"previous": "0" * 63 + "1"},
            {"at": AT},
            {"number": 7},
            {"hash": "f" * 64},
            {"signature": "f" * 64},
            {"key": "f" * 16},
            {"entries": "nothing"},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("number", [2, 4])
    async def test_an_edited_one_is_named(self, store: Store, edit: dict[str, object], number: int) -> None:
        await store.checkpoints.collection.update_one({"_id": checkpoint_id(number)}, {"$set": edit})
        faults = (await check(store)).faults
        assert [f for f in faults if f.startswith(f"checkpoint {number}: ")]
        await cover(store)
        faults = (await check(store)).faults
        assert [f for f in faults if f.startswith(f"checkpoint {number}: ")]

    async def test_an_edited_record_of_the_newest_is_named(self, store: Store) -> None:
        await store.checkpoint_heads.collection.update_one({}, {"$set": {"number": 2}})
        assert "the record of the newest checkpoint: was edited" in (await check(store)).faults


class TestKeys:
    async def _signed_again(self, store: Store, first: int, signer_of: CheckpointKeys) -> None:
        """As somebody does who has only this key: from a checkpoint on, entries left out, and all correctly linked."""
        signer, previous = await signer_of.signing(), ""
        for raw in await store.checkpoints.page_raw(checkpoint_id(first - 1), limit=100):
            old = store.checkpoints.model.load(raw)
            new = old.model_copy(update={"entries": (), "key": signer.fingerprint})
            new = new.model_copy(update={"previous": previous or old.previous})
            previous = new.computed_hash()
            new = new.model_copy(update={"hash": previous, "signature": signer.sign(previous)})
            await store.checkpoints.collection.update_one({"_id": new.id}, {"$set": new.stored()})
            head = await store.checkpoint_heads.get("head")
            assert head
            head = head.model_copy(update={"newest": previous, "key": signer.fingerprint, "number": new.number})
            head = head.model_copy(update={"hash": head.computed_hash()})
            head = head.model_copy(update={"signature": signer.sign(head.hash)})
            await store.checkpoint_heads.collection.update_one({}, {"$set": head.stored()})

    @pytest.fixture
    async def outside(self, store: Store, make_contact: MakeContact) -> Contact:
        """All under a key from outside."""
        await cover(store, OUTSIDE)
        contact = await make_contact()
        for action in (Action.OPT_IN, Action.OPT_OUT, Action.OPT_IN):
            await decide(store, contact, action, key=OUTSIDE)
            await cover(store, OUTSIDE)
        return contact

    async def test_the_key_of_the_database_can_sign_nothing_again(self, store: Store, outside: Contact) -> None:
        assert (await check(store, OUTSIDE)).is_whole
        await self._signed_again(store, 2, CheckpointKeys(store))
        own = "is signed with the key in the database, not with SAYSO_CHECKPOINT_KEY"
        faults = (await check(store, OUTSIDE)).faults
        assert f"checkpoint 2: {own}" in faults
        assert f"checkpoint 3: {own}" in faults
        await decide(store, outside, Action.OPT_OUT, key=OUTSIDE)
        await cover(store, OUTSIDE)
        assert f"checkpoint 2: {own}" in (await check(store, OUTSIDE)).faults

    async def test_another_key_is_named(self, store: Store, outside: Contact) -> None:
        await self._signed_again(store, 3, CheckpointKeys(store, [FORMER]))
        faults = (await check(store, OUTSIDE)).faults
        assert [f for f in faults if f.startswith("checkpoint 3: is signed with an unknown key")]

    async def test_every_checkpoint_is_deleted(
        self, store: Store, outside: Contact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await store.checkpoints.collection.delete_many({})
        await store.checkpoint_heads.collection.delete_many({})
        assert "every checkpoint: missing" in (await check(store, OUTSIDE)).faults

    async def test_a_new_key_vouches_for_what_the_former_one_signed(self, store: Store, ada: Contact) -> None:
        assert not (await check(store, OUTSIDE)).is_whole, "nothing is signed with it yet"
        await cover(store, OUTSIDE)
        assert (await check(store, OUTSIDE)).faults == []
        await cover(store, FORMER, OUTSIDE)
        assert (await check(store, FORMER, OUTSIDE)).faults == []
        assert not (await check(store, FORMER)).is_whole, "the key of the second checkpoint is not known"

    async def test_a_process_without_the_key_signs_nothing(self, store: Store, outside: Contact) -> None:
        await decide(store, outside, Action.OPT_OUT, key=OUTSIDE)
        with pytest.raises(CheckpointKeyMissing):
            await cover(store)
        assert (await check(store, OUTSIDE)).faults == []


class TestSignatures:
    """Right hashes are not enough: an event carries the signature of the application."""

    NOT_OURS = "was not written by Sayso"

    async def _forge(self, store: Store, like: Contact, victim: Contact, **values: Any) -> None:
        """Writes an event of now with correct hashes, as whoever has the database can."""
        (first,) = await store.events.after(like.id, 0, limit=1)
        time = now()
        event = rehashed(
            first, id=f"{victim.id}:0000000001", event=new_ulid(time), at=time, contact=victim.id,
            key=f"{victim.id}:k", **values,
        )  # fmt: skip
        await store.events.insert(event)
        await Ledger(store).contact(victim.id)

    async def _faults_of(self, store: Store, contact: Contact, *secrets: str) -> list[str]:
        return [fault for fault in (await check(store, *secrets)).faults if contact.id in fault]

    @pytest.mark.parametrize("is_covered", [False, True])
    async def test_an_event_that_sayso_did_not_write_is_named(
        self, store: Store, ada: Contact, make_contact: MakeContact, is_covered: bool
    ) -> None:
        victim = await make_contact()
        await self._forge(store, ada, victim, signature=None)
        if is_covered:
            await cover(store)
        (fault,) = await self._faults_of(store, victim)
        assert f"event 1 {self.NOT_OURS}: it has no signature" in fault

    async def test_the_signature_of_another_event_is_none(
        self, store: Store, ada: Contact, make_contact: MakeContact
    ) -> None:
        victim = await make_contact()
        await self._forge(store, ada, victim)
        await cover(store)
        (fault,) = await self._faults_of(store, victim)
        assert f"event 1 {self.NOT_OURS}: it has a wrong signature" in fault
        assert not (await check(store, repair=True)).is_whole

    @pytest.mark.parametrize("signature", ["é", "f" * 63, ""])
    async def test_a_signature_that_is_none_is_named(self, store: Store, ada: Contact, signature: str) -> None:
        """Whoever has the database may write anything there."""
        key = (await CheckpointKeys(store).signing()).fingerprint
        forged = {"$set": {"signature": f"{key}:{signature}"}}
        await store.events.collection.update_one({"_id": f"{ada.id}:0000000001"}, forged)
        await store.checkpoint_heads.collection.update_many({}, {"$set": {"signature": signature}})
        faults = (await check(store)).faults
        assert len([fault for fault in faults if "wrong signature" in fault]) == 2

    async def test_the_key_in_the_database_signs_no_event_where_there_is_one_outside(
        self, store: Store, make_contact: MakeContact
    ) -> None:
        ada, victim = await make_contact(), await make_contact()
        await decide(store, ada, Action.OPT_IN, key=OUTSIDE)
        await cover(store, OUTSIDE)
        await asyncio.sleep(0.002)
        await decide(store, victim, Action.OPT_IN)
        assert await self._faults_of(store, ada, OUTSIDE) == []
        (fault,) = await self._faults_of(store, victim, OUTSIDE)
        assert "event 1 is signed with the key in the database, not with SAYSO_CHECKPOINT_KEY" in fault

    async def test_what_earlier_versions_wrote_is_not_reported(
        self, store: Store, ada: Contact, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await store.events.collection.update_many({}, {"$unset": {"signature": ""}})
        await store.checkpoints.collection.delete_many({})
        await store.checkpoint_heads.collection.delete_many({})
        monkeypatch.setattr("bot.consent.checkpoints.CheckpointLog._requiring", as_before)
        await cover(store)
        monkeypatch.undo()
        bob = await make_contact()
        await self._forge(store, ada, bob, signature=None)  # by a process of the earlier version
        await cover(store)
        assert (await checkpoints(store))[-1]["signed_from"] > now() + timedelta(minutes=50)
        assert await self._faults_of(store, bob) == []

    async def test_a_key_from_outside_is_demanded_from_then_on(self, store: Store, ada: Contact) -> None:
        before = (await checkpoints(store))[-1]["signed_from"]
        await cover(store, OUTSIDE)
        assert (await checkpoints(store))[-1]["signed_from"] > before
        assert await self._faults_of(store, ada, OUTSIDE) == []
        await cover(store, FORMER, OUTSIDE)
        assert [c["signed_from"] for c in await checkpoints(store)][-2] == (await checkpoints(store))[-1]["signed_from"]


async def as_before(log: CheckpointLog, tip: Any, signer: Any) -> Any:
    """A version without signatures asks for none."""
    return tip


class TestCovering:
    async def test_nothing_new_is_no_checkpoint(self, store: Store, ada: Contact) -> None:
        for _ in range(3):
            await cover(store)
        assert len(await checkpoints(store)) == 1

    async def test_a_ledger_that_is_older_than_its_checkpoints_is_covered_from_its_beginning(
        self, store: Store, make_contact: MakeContact
    ) -> None:
        people = [await make_contact() for _ in range(30)]
        await Ledger(store).record_many([change(p.id, "k") for p in people])
        await asyncio.sleep(0.002)
        await cover(store)
        await cut(store, people[7], 0)
        (fault,) = (await check(store)).faults
        assert f"contact {people[7].id}: event 1 is missing" in fault

    async def test_large_ones_are_split(
        self, store: Store, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await cover(store)
        monkeypatch.setattr("bot.consent.checkpoints.MOST", 8)
        people = [await make_contact() for _ in range(30)]
        await Ledger(store).record_many([change(p.id, "k") for p in people])
        await cover(store)
        kept = await checkpoints(store)
        assert [len(c["entries"]) for c in kept] == [8, 8, 8, 6]
        assert MOST == 1000
        assert (await check(store)).is_whole

    async def test_a_lost_token_loses_no_event(self, store: Store, ada: Contact) -> None:
        await decide(store, ada, Action.OPT_IN)
        await store.checkpoint_heads.collection.update_one({}, {"$set": {"token": {"_data": "00"}}})
        await cover(store)
        await cut(store, ada, 4)
        assert [f for f in (await check(store)).faults if "event 5 is missing" in f]

    async def test_a_process_that_was_killed_after_a_checkpoint_goes_on_from_it(
        self, store: Store, ada: Contact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def killed(*_: object) -> None:
            raise asyncio.CancelledError

        await decide(store, ada, Action.OPT_IN)
        with monkeypatch.context() as patch:
            patch.setattr(store.checkpoint_heads, "save", killed)
            with pytest.raises(asyncio.CancelledError):
                await cover(store)
        assert (await check(store)).faults == []
        await cover(store)
        assert [len(c["entries"]) for c in await checkpoints(store)] == [5, 1]
        assert (await check(store)).is_whole

    async def test_two_processes_at_once_make_one_chain(
        self, store: Store, ada: Contact, mongo: EmbeddedServer
    ) -> None:
        async with second_process(mongo) as other:
            for round in range(4):
                await decide(store, ada, Action.OPT_IN if round % 2 else Action.OPT_OUT)
                note = LedgerNote(contact=ada.id, text="was looked at")
                await asyncio.gather(
                    *(cover(at) for at in (store, other)),
                    *(CheckpointLog(at, CheckpointKeys(at)).note(note) for at in (store, other)),
                )
        report = await check(store)
        assert (report.faults, len(report.notes)) == ([], 8)
        await cut(store, ada, 7)
        assert [f for f in (await check(store)).faults if "event 8 is missing" in f]

    @pytest.mark.parametrize("read", ["checkpoints.newest_raw", "checkpoint_heads.raw"])
    async def test_another_process_covers_between_the_reads_of_the_newest_checkpoint_and_its_record(
        self, store: Store, ada: Contact, mongo: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, read: str
    ) -> None:
        collection, method = read.split(".")
        reader = getattr(store, collection)
        original = getattr(reader, method)
        await decide(store, ada, Action.OPT_IN)
        await cover(store)
        async with second_process(mongo) as other:

            async def then_others_cover() -> object:
                monkeypatch.setattr(reader, method, original)
                found = await original()
                for action in (Action.OPT_OUT, Action.OPT_IN):
                    await decide(other, ada, action)
                    await cover(other)
                return found

            monkeypatch.setattr(reader, method, then_others_cover)
            await CheckpointLog(store, CheckpointKeys(store)).note(LedgerNote(contact=ada.id, text="was looked at"))
        assert (await check(store)).faults == []

    async def test_it_finds_nothing_wrong_beside_writers(self, store: Store, ada: Contact) -> None:
        async def write() -> None:
            for i in range(12):
                await decide(store, ada, Action.OPT_IN if i % 2 else Action.OPT_OUT)
                await cover(store)

        writing, reports = asyncio.create_task(write()), []
        while not writing.done():
            reports.append(await check(store))
        await writing
        assert reports
        assert [report.faults for report in reports if report.faults] == []


class TestFile:
    @pytest.fixture
    async def file(self, store: Store, ada: Contact, tmp_path: Path) -> Path:
        """Appended to after each checkpoint."""
        file = tmp_path / "checkpoints.jsonl"
        await append(store, file)
        for action in (Action.OPT_IN, Action.OPT_OUT):
            await decide(store, ada, action)
            await cover(store)
            await append(store, file)
        return file

    async def test_it_has_every_checkpoint_once(self, store: Store, file: Path, tmp_path: Path) -> None:
        await append(store, file)
        assert [json.loads(line)["number"] for line in file.read_text().splitlines()] == [1, 2, 3]
        assert await export(store, tmp_path / "all") == 3
        assert (tmp_path / "all").read_text() == file.read_text()
        assert (await check(store, against=file)).is_whole

    async def test_a_line_that_a_crash_cut_off_is_written_again(self, store: Store, file: Path) -> None:
        whole = file.read_text()
        file.write_text(whole[:-20])
        await append(store, file)
        assert file.read_text() == whole

    async def test_what_was_removed_with_all_checkpoints_is_named(self, store: Store, ada: Contact, file: Path) -> None:
        await cut(store, ada, 5)
        await store.checkpoints.collection.delete_many({})
        await store.checkpoint_heads.collection.delete_many({})
        await cover(store)  # begins anew, as if nothing had been before
        assert (await check(store)).faults == []
        for repair in (False, True):
            report = await check(store, against=file, repair=repair)
            assert f"checkpoint 2: is missing, but {file} has it" in report.faults
            assert [f for f in report.faults if f"contact {ada.id}: event 6 is missing: checkpoint 3" in f]

    async def test_an_edited_file_is_named(self, store: Store, file: Path) -> None:
        text = file.read_text()
        file.write_text(text.replace('"number":2', '"number":9') + "nonsense\n")
        faults = (await check(store, against=file)).faults
        assert f"checkpoint 9 in {file}: was edited" in faults
        assert f"file {file}: has a line that is not a checkpoint" in faults
