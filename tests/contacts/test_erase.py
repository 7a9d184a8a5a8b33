"""Erasing a person leaves nothing of them in any collection, and a STOP still holds."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from bot import fault_points
from bot.app import Bot
from bot.chat.visitors import Claim
from bot.consent.changes import ConsentChange
from bot.consent.verify import verify
from bot.contacts.bulk import BulkConsent
from bot.contacts.export import ExportFormat
from bot.contacts.program_batch import EDITS, BatchAction, BatchEdit
from bot.demo import DEALS
from bot.errors import NotFound, NumberStopped, Unauthorized
from bot.jobs.kinds.bulk_consent import BulkConsentInput, Subscribe
from bot.jobs.kinds.edit_contacts import ContactBatchInput, EditContacts
from bot.jobs.kinds.export_contacts import ExportContacts, ExportInput
from bot.jobs.kinds.import_contacts import ImportContacts, ImportInput
from bot.jobs.rules import ENDED, JobAction
from bot.model.base import new_id, now
from bot.model.contact import Contact, Role
from bot.model.contact_import import ContactImport, ImportChange, ImportPlan
from bot.model.conversation import Author, AuthorKind, Note, Text
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.event import Action, Actor, Context, Evidence, How, Source
from bot.model.export import ExportLine, ExportPiece
from bot.model.filter import Filter
from bot.model.selection import Selection
from bot.model.subscription import MessageType
from bot.model.teammate import By
from bot.model.webhook import Topic
from bot.store import Store
from bot.store.stops import KEYED
from bot.workspace.idempotency import Done, RequestKey
from tests.conftest import eventually
from tests.contacts.imports.working import at_work
from tests.people import NUMBER, TEAMMATE, act, answer_to, asked, change, look_again

ADMIN = Actor(kind="teammate", id="admin")
SECRETS = {
    "name": "Maya",
    "surname": "Okafor",
    "email": "maya.okafor@example.com",
    "external_id": "customer-4711",
    "number": "2015550123",
    "another number": "2015550124",
    "ip": "192.0.2.77",
    "user agent": "Netscape/4.7",
    "page": "/gifts-for-maya",
    "message": "birthday",
    "note": "walnuts",
    "attribute": "size 41",
}
UNTOUCHED = {
    "account_links": "of teammates",
    "api_tokens": "of teammates",
    "attributes": "kinds of custom attributes",
    "audit_log": "names contacts by id",
    "blocked_prefixes": "numbers without their last four digits",
    "chat_deliveries": "name contacts by id",
    "canvas_cards": "written by teammates",
    "checkpoint_heads": "ids and hashes of events",
    "checkpoints": "ids and hashes of events",
    "consent_counts": "figures",
    "event_cursors": "positions",
    "segment_members": "name contacts by id",
    "sender_paces": "of the workspace's numbers",
    "segment_watches": "filters of segments",
    "flow_days": "figures",
    "outcome_cursors": "positions",
    "event_retries": "ids of events",
    "flow_drafts": "written by teammates",
    "flow_versions": "written by teammates",
    "flows": "written by teammates",
    "form_counters": "hashes, kept for a day",
    "form_templates": "written by teammates",
    "job_items": "name contacts by id",
    "kept_wordings": "written by teammates",
    "keys": "of the workspace",
    "keyword_program_versions": "written by teammates",
    "keyword_programs": "written by teammates",
    "leases": "of processes",
    "logos": "of the workspace",
    "migrations": "of the database",
    "outbound_messages": "written by teammates",
    "passkey_challenges": "of teammates",
    "passkeys": "of teammates",
    "saved_replies": "written by teammates",
    "segments": "filters that teammates saved",
    "sessions": "of teammates",
    "site_visits": "sites",
    "subscription_versions": "written by teammates",
    "webhook_endpoints": "of the workspace",
    "webhook_lanes": "name contacts by id",
    "subscriptions": "written by teammates",
    "tags": "names of tags",
    "teammates": "of the business",
    "workspaces": "of the business",
}
"""Collections without a contact's personal data."""
ERASED = {
    "contacts", "conversations", "parts", "signals", "events", "deliveries", "preference_links", "phone_texts", "stops",
    "stop_events", "export_pieces", "contact_imports", "import_changes", "import_pieces", "jobs",
    "api_requests", "webhook_notifications", "opt_out_requests",
}  # fmt: skip
EXPORT, LATER = "0" * 24, now() + timedelta(days=1)
HERE = Context(page="https://shop.example/gifts-for-maya", ip="192.0.2.77", user_agent="Netscape/4.7")


def _forms(what: str, secret: str) -> str:
    """A pattern of all ways to write it."""
    if not what.endswith("number"):
        return re.escape(secret)
    area, exchange, line = secret[:3], secret[3:6], secret[6:]
    return rf"{area}\W{{0,3}}{exchange}\W{{0,2}}{line}"


ULID = re.compile(r"\b[0-9a-z]{26}\b")
"""One in some hundred thousand has the four letters of a name in it."""


async def told(store: Store) -> dict[str, set[str]]:
    """By collection, which of the secrets it still tells, in whatever form."""
    names = await store.database.list_collection_names()
    found = {}
    for name in names:
        text = ULID.sub("", repr(await store.database[name].find({}).to_list(None)).casefold())
        found[name] = {what for what, secret in SECRETS.items() if re.search(_forms(what, secret.casefold()), text)}
    return {name: whats for name, whats in found.items() if whats}


async def _exported(bot: Bot, contact: str) -> None:
    """A file with her line and another one."""
    lines = [
        ExportLine(contact=contact, data=b"Maya,maya.okafor@example.com\n"),
        ExportLine(contact="ben", data=b"Ben\n"),
    ]
    piece = ExportPiece(id=ExportPiece.id_of(EXPORT, 0), head=b"name\n", lines=lines, read=2, expires_at=LATER)
    await bot.store.export_pieces.insert(piece)


async def _answered(bot: Bot, contact: Contact) -> None:
    """An answer of the API that is kept for its idempotency key."""

    async def work() -> Done:
        return Done(200, '{"name": "Maya Okafor"}', (contact.id,))

    await bot.idempotency.once(RequestKey("token", "key", b"GET /"), work)


BY = By("admin", "Admin")
ROWS = (
    "Name,Email,Phone,User ID,Note",
    "Maya Okafor,MAYA.Okafor@example.com,,,",
    "Maya,,(201) 555-0123,,",
    "Maya,,2015550124,,walnuts",
    "Maya,,,customer-4711,",
    "Mum,mum@example.com,,,Maya Okafor: +1 201.555.0123",
    "Ben,nonsense,,,",
)


async def _jobs(bot: Bot, *started: str) -> None:
    """Jobs that name her: one that waits, one that is paused, one that failed, and one whose file is kept."""
    note = Evidence(how=How.PAPER, given_at=now(), note="Maya Okafor likes walnuts")
    consent = BulkConsent(subscription="gone", evidence=note, by="admin")
    waited = [*started]
    for query in ("maya okafor", "2015550123", "Maya.Okafor@example.com"):
        selection = Selection(filter=Filter(query=query).as_text())
        input = BulkConsentInput(selection=selection, size=1, ordered_at=now(), consent=consent)
        job = await bot.jobs.start(Subscribe, input, BY)
        if query != "2015550123":
            waited.append(job.id)
        else:
            await bot.jobs.act(job.id, JobAction.PAUSE, BY)
    edits = EDITS.dump_json((BatchEdit(values={"name": "Maya Okafor"}),)).decode()
    batch = ContactBatchInput(action=BatchAction.CREATE, edits=edits, size=1, actor=ADMIN, by="admin", by_name="Admin")
    await bot.jobs.act((await bot.jobs.start(EditContacts, batch, BY)).id, JobAction.PAUSE, BY)
    columns = await bot.export.columns()
    wanted = ExportInput(selection=selection, size=1, ordered_at=now(), format=ExportFormat.CSV, columns=columns)
    done = await bot.jobs.start(ExportContacts, wanted, BY)
    async with at_work(bot.jobs):
        await eventually(lambda: _is_over(bot, [*waited, done.id]))


async def _is_over(bot: Bot, ids: list[str]) -> bool:
    return all([(await bot.jobs.get(id)).state in ENDED for id in ids])


async def _greeted(bot: Bot, contact: Contact) -> None:
    """A text of a flow waits, and says what it knows of her."""
    time = now()
    text = Delivery(
        id="flow:greeting",
        contact=contact.id,
        subscription=DEALS,
        kind=DeliveryKind.FLOW,
        event="",
        text="Your birthday, Maya!",
        number=NUMBER,
        locale="en",
        due_at=LATER,
        created_at=time,
        updated_at=time,
    )
    await bot.store.deliveries.insert(text)


async def _imported(bot: Bot, contact: Contact) -> None:
    """She is in a file that waits, and an import changed her name."""
    rows = "\n".join(ROWS).encode()
    file = await bot.imports.upload(BytesIO(rows), "list.csv", len(rows), BY)
    targets = ("name", "email", "phone", "external_id", "")
    file = await bot.imports.check(file.id, ImportPlan(targets=targets, note="Ask Maya Okafor about walnuts"), BY)
    before = {"name": "Maya Okafor", "email": "maya.okafor@example.com", "attributes/shoe": "size 41"}
    kept = ImportChange(id="job:000000002", job="job", line=2, contact=contact.id, before=before, at=now())
    await bot.store.import_changes.insert(kept)
    await _jobs(bot, file.check or "")


@pytest.fixture
async def maya(bot: Bot) -> Contact:
    """A user of the site who did everything that leaves data behind."""
    await bot.webhooks.add("https://hooks.example/", "", (Topic.CONSENT_RECORDED, Topic.GRANULAR_SUBSCRIBE), BY)
    opened = await bot.open_messenger(None, Claim(page=HERE.page), None)
    opened = await act(bot, opened)
    contact = opened.contact
    await bot.store.contacts.change(
        contact,
        {"name": "Maya Okafor", "external_id": "customer-4711", "role": Role.USER, "attributes": {"shoe": "size 41"}},
    )
    await _exported(bot, contact.id)
    await bot.contacts._keep_email(contact.id, "maya.okafor@example.com", is_signed=True)
    await bot.conversations.append(
        opened.conversation, Author(kind=AuthorKind.CONTACT, id=contact.id), Text(text="It's my birthday"), "hello"
    )
    await bot.conversations.append(opened.conversation, TEAMMATE, Note(text="Maya likes walnuts"), "note")
    await bot.ledger.record(change(contact.id, "old", Action.CAPTURE_PHONE, number="+12015550124", subscription=None))
    await bot.ledger.record(change(contact.id, "new", Action.CHANGE_ADDRESS, number=NUMBER, subscription=None))
    part = await asked(bot, contact)
    stored = await bot.ledger.contact(contact.id)
    assert stored
    answer = await answer_to(bot, part, stored)
    await bot.cards.submit(part, stored, await bot.workspace(), replace(answer, context=HERE))
    await bot.consumers.drain()
    await bot.receive(NUMBER, "Is it my birthday, Maya?", "t1")
    await bot.receive(NUMBER, "How do I unsubscribe?", "t3")
    await bot.store.phone_texts.collection.insert_one(
        {"_id": "reply:t1", "number": NUMBER, "incoming": False, "body": "birthday", "at": now(), "key": "t1"}
    )
    await _greeted(bot, contact)
    await _imported(bot, contact)
    await _answered(bot, contact)
    await bot.preferences.make_link(contact.id, MessageType.SMS)
    await bot.receive(NUMBER, "STOP", "t2")
    await bot.consumers.drain()
    await bot.checkpoints.write()
    after = await bot.ledger.contact(contact.id)
    assert after
    return after


async def test_nothing_is_left_in_any_collection(bot: Bot, maya: Contact) -> None:
    before = await told(bot.store)
    assert ERASED - before.keys() <= {"preference_links", "signals"}, "else this test would prove little"
    assert before.keys() - ERASED == set(), "else they say wrongly that they name nobody"
    filled = {table.name for table in bot.store.tables if await table.find({}, limit=1)}
    assert filled >= {"audit_log", "checkpoints", "flows", "job_items", "keys"}
    assert set().union(*before.values()) == SECRETS.keys()
    assert await bot.eraser.erase(maya.id, ADMIN, Source.PROFILE)
    assert await told(bot.store) == {}
    assert (await verify(bot.store, repair=False)).is_whole
    contact = await bot.ledger.contact(maya.id)
    assert contact
    assert contact.is_gone
    assert await bot.store.preference_links.find({"contact": maya.id}, limit=9) == []
    waiting = await bot.store.deliveries.find({"contact": maya.id}, limit=99)
    assert "flow:greeting" in {d.id for d in waiting}
    assert {d.state for d in waiting} == {DeliveryState.BLOCKED}
    assert all(d.number.startswith(KEYED) for d in waiting)


async def test_the_demo_phone_shows_no_erased_person(bot: Bot) -> None:
    await bot.receive(NUMBER, "Do you grind?", "q")
    await bot.receive(NUMBER, "HELP", "h")
    await bot.sender.send_some()
    (contact,) = await bot.store.contacts.with_number(NUMBER, after="", limit=2)
    assert await bot.phone.numbers() == [NUMBER]
    await bot.eraser.erase(contact.id, ADMIN, Source.PROFILE)
    assert await bot.phone.numbers() == []


def test_every_collection_says_what_erasing_does_to_it(store: Store) -> None:
    """A new collection with personal data is erased in `bot/store/personal_data.py`."""
    assert {table.name for table in store.tables} == ERASED | UNTOUCHED.keys()


async def test_an_exported_file_keeps_the_lines_of_others(bot: Bot, maya: Contact) -> None:
    await bot.eraser.erase(maya.id, ADMIN, Source.PROFILE)
    assert [data async for data in bot.store.export_pieces.read(EXPORT, 1)] == [b"name\nBen\n"]


class TestUploads:
    """Rows of uploaded files are about whom their import would find."""

    async def _upload(self, bot: Bot, *lines: str, **plan: Any) -> ContactImport:
        data = "\n".join(lines).encode()
        file = await bot.imports.upload(BytesIO(data), "list.csv", len(data), By("admin", "Admin"))
        return await bot.imports.files.save(file.id, ImportPlan(**plan)) if plan else file

    async def _left(self, bot: Bot, file: ContactImport) -> list[list[str]]:
        return [row async for piece in bot.imports.files.pieces(file) for row in piece.rows]

    async def _user(self, bot: Bot, **values: Any) -> Contact:
        time = now()
        contact = Contact(id=new_id(), role=Role.USER, created_at=time, updated_at=time, **values)
        return await bot.contacts.create(contact)

    async def test_a_national_number_is_read_with_the_country_of_the_import(self, bot: Bot) -> None:
        maya = await self._user(bot)
        number = "+4915112345678"
        await bot.ledger.record(change(maya.id, "1", Action.CAPTURE_PHONE, number=number, subscription=None))
        rows = ("Name,Mobile", "Maya,0151 / 1234 5678", "Ben,0151 12345679", "Maya,01511-2345678")
        file = await self._upload(bot, *rows, targets=("name", "phone"), region="DE")
        await bot.eraser.erase(maya.id, ADMIN, Source.PROFILE)
        assert await self._left(bot, file) == [[], ["Ben", "0151 12345679"], []], "each row stays in its place"

    async def test_a_user_id_counts_in_its_column(self, bot: Bot) -> None:
        maya = await self._user(bot, external_id="7")
        rows = ("Number of orders,Customer", "7,Ben", "8,7", "9,77")
        file = await self._upload(bot, *rows, targets=("", "external_id"))
        await bot.eraser.erase(maya.id, ADMIN, Source.PROFILE)
        assert await self._left(bot, file) == [["7", "Ben"], [], ["9", "77"]]

    async def test_a_user_id_that_they_had_before_counts_too(self, bot: Bot) -> None:
        kept, other = await self._user(bot, external_id="user-1"), await self._user(bot, external_id="user-2")
        await bot.contacts.set_values(kept, {"external_id": "user-3"})
        file = await self._upload(bot, "user_id", "user-1", "user-2", "user-3", "user-4")
        await bot.merge.merge(kept.id, other.id, ADMIN, Source.PROFILE)
        await bot.eraser.erase(kept.id, ADMIN, Source.PROFILE)
        assert await self._left(bot, file) == [[], [], [], ["user-4"]]

    async def test_those_who_are_erased_at_once_all_go(self, bot: Bot) -> None:
        people = [await self._user(bot, external_id=f"user-{n}") for n in range(6)]
        file = await self._upload(bot, "user_id", *(f"user-{n}" for n in range(7)))
        await asyncio.gather(*(bot.eraser.erase(person.id, ADMIN, Source.PROFILE) for person in people))
        assert await self._left(bot, file) == [*[[]] * 6, ["user-6"]]

    async def test_an_import_goes_on_after_the_rows_that_went_and_adds_nobody_again(self, bot: Bot) -> None:
        rows = [f"user-{n},Person {n}" for n in range(8)]
        file = await self._upload(bot, "user_id,name", *rows, targets=("external_id", "name"))
        kind = bot.jobs.kinds[ImportContacts.name]
        input = ImportInput(file=file.id, rows=8, plan=file.plan or ImportPlan(targets=()))
        batch = await kind.step(file.id, input, kind.checkpoint(), 4)
        for id in ("user-1", "user-5"):
            person = await bot.store.contacts.by_external_id(id) or await self._user(bot, external_id=id)
            await bot.eraser.erase(person.id, ADMIN, Source.PROFILE)
        while not batch.is_last:
            batch = await kind.step(file.id, input, batch.checkpoint, 3)
        found = {contact.external_id for contact in await bot.store.contacts.page("", limit=99) if contact.external_id}
        assert found == {f"user-{n}" for n in range(8) if n not in {1, 5}}


class TestStops:
    """A number that texted STOP is known by its keyed hash."""

    async def test_a_stop_still_holds_for_whoever_gives_the_number(self, bot: Bot, maya: Contact) -> None:
        await bot.eraser.erase(maya.id, ADMIN, Source.PROFILE)
        assert await bot.stops.is_stopped(NUMBER)
        other = await bot.contacts.create(Contact(id=new_id(), created_at=now(), updated_at=now()))
        paper = Evidence(how=How.PAPER, given_at=now())
        grant = change(other.id, "1", source=Source.IMPORT, actor=ADMIN, evidence=paper)
        with pytest.raises(NumberStopped):
            await bot.ledger.record(grant)

    async def test_a_start_still_lifts_it_and_a_stop_is_still_new(self, bot: Bot, maya: Contact) -> None:
        await bot.eraser.erase(maya.id, ADMIN, Source.PROFILE)
        await bot.stops.stop(NUMBER, "STOP", "t2")  # the same text again
        await bot.stops.lift(NUMBER, "START", "t3")
        assert not await bot.stops.is_stopped(NUMBER)
        assert await bot.stops.stop(NUMBER, "STOP", "t4")
        assert await bot.stops.is_stopped(NUMBER)
        assert await told(bot.store) == {}
        log = await bot.store.stop_events.after(await bot.store.stops.name_of(NUMBER), 0, limit=9)
        assert [(entry.seq, entry.action) for entry in log] == [(1, "stop"), (2, "start"), (3, "stop")]

    async def test_a_stop_that_comes_meanwhile_is_not_lost(self, bot: Bot, maya: Contact) -> None:
        await bot.stops.lift(NUMBER, "START", "t3")
        erasing = bot.eraser.erase(maya.id, ADMIN, Source.PROFILE)
        await asyncio.gather(erasing, *(bot.stops.stop(NUMBER, "STOP", f"late{n}") for n in range(4)))
        assert await bot.stops.is_stopped(NUMBER)


async def test_contacts_that_were_merged_into_them_are_erased_too(bot: Bot, maya: Contact) -> None:
    kept = await bot.contacts.create(Contact(id=new_id(), created_at=now(), updated_at=now()))
    await bot.merge.merge(kept.id, maya.id, ADMIN, Source.PROFILE)
    assert await told(bot.store)
    await bot.eraser.erase(kept.id, ADMIN, Source.PROFILE)
    assert await told(bot.store) == {}
    assert (await verify(bot.store, repair=False)).is_whole


class TestTwice:
    async def test_once_more_changes_nothing(self, bot: Bot, maya: Contact) -> None:
        await bot.eraser.erase(maya.id, ADMIN, Source.PROFILE)
        events = await bot.store.events.after(maya.id, 0, limit=99)
        assert not await bot.eraser.erase(maya.id, ADMIN, Source.PROFILE)
        assert await bot.store.events.after(maya.id, 0, limit=99) == events

    @pytest.mark.parametrize("point", ["before erasing", "before erasing events"])
    async def test_whoever_comes_next_finishes_what_a_crash_left(
        self, bot: Bot, maya: Contact, monkeypatch: pytest.MonkeyPatch, point: str
    ) -> None:
        class Died(Exception):
            pass

        def die(at: str) -> None:
            if at == point:
                raise Died

        with monkeypatch.context() as patch:
            patch.setattr(fault_points, "reached", die)
            with pytest.raises(Died):
                await bot.eraser.erase(maya.id, ADMIN, Source.PROFILE)
        assert await told(bot.store)
        await look_again(bot)
        assert await told(bot.store) == {}
        assert (await verify(bot.store, repair=False)).is_whole

    async def test_what_another_process_writes_meanwhile_is_erased_after_all(self, bot: Bot, maya: Contact) -> None:
        conversation = (await bot.store.conversations.of(maya.id))[0].id
        delivery = (await bot.store.deliveries.find({"contact": maya.id}, limit=1))[0]
        await bot.eraser.erase(maya.id, ADMIN, Source.PROFILE)
        await bot.conversations.append(
            conversation, Author(kind=AuthorKind.CONTACT, id=maya.id), Text(text="birthday"), "late"
        )
        await bot.store.deliveries.insert(delivery.model_copy(update={"id": "late"}))
        await bot.consumers.drain()
        assert await told(bot.store)
        await look_again(bot)
        assert await told(bot.store) == {}


class TestAfterwards:
    async def test_nothing_is_recorded_for_them(self, bot: Bot, maya: Contact) -> None:
        await bot.eraser.erase(maya.id, ADMIN, Source.PROFILE)
        with pytest.raises(NotFound):
            await bot.ledger.record(change(maya.id, "again"))

        async def decide(contact: Contact) -> ConsentChange:
            return change(contact.id, "again", judged=contact)

        with pytest.raises(NotFound):
            await bot.ledger.decide(maya, decide)
        await bot.contacts.seen(maya, page="https://shop.example/gifts-for-maya", time_zone="Asia/Tokyo")
        assert await told(bot.store) == {}

    async def test_their_tokens_are_refused_and_they_come_back_as_somebody_else(self, bot: Bot) -> None:
        opened = await bot.open_messenger(None, Claim(), None)
        await act(bot, opened)
        again = await bot.open_messenger(opened.token, Claim(), None)
        await bot.eraser.erase(opened.contact.id, ADMIN, Source.PROFILE)
        for token in (opened.token, again.token):
            with pytest.raises(Unauthorized):
                await bot.visitors.known(token)
            assert (await bot.open_messenger(token, Claim(), None)).contact.id != opened.contact.id
        with pytest.raises(Unauthorized):
            await bot.visitors.store(opened.contact)
