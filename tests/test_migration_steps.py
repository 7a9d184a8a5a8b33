"""A database as version 0.1 left it becomes one of this version, and loses nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from bson import json_util

from bot.app import make_bot
from bot.chat.inbox import View, Whose
from bot.config import Settings
from bot.consent.ledger import Ledger
from bot.consent.stop_list import StopList
from bot.consent.verify import verify
from bot.contacts.finder import ContactFinder, Sort, SortBy
from bot.demo import DEALS, ORDERS
from bot.flows.performing import BOT as FLOWS
from bot.migration_steps import migrate
from bot.model.base import new_id
from bot.model.contact import ConsentState
from bot.model.conversation import Author, AuthorKind, Content, Text
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.model.event import Action, Actor, Source
from bot.model.filter import Filter, PhoneCountry, Textable
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.people import card, change

OLD = Path(__file__).parent / "fixtures/version_0_1.json"
"""Written by the code of version 0.1: a lead and a proven user who said yes and no, a number that a STOP came from, one
that no event gave, a chat that was only opened, and an event whose process died."""


@pytest.fixture
async def old(mongo: EmbeddedServer) -> AsyncIterator[Store]:
    async with open_store(mongo.url, f"old_{new_id()}") as store:
        options = json_util.JSONOptions(tz_aware=True, datetime_representation=json_util.DatetimeRepresentation.ISO8601)
        for name, documents in json_util.loads(OLD.read_text(), json_options=options).items():
            if documents:
                await store.database[name].insert_many(documents)
        yield store
        await store.database.client.drop_database(store.database.name)


async def test_it_is_whole_afterwards_and_every_event_is_as_it_was(old: Store) -> None:
    before = {raw["_id"]: raw async for raw in old.events.collection.find({})}
    await old.prepare()
    assert await migrate(old) == ["addresses", "counts", "texts", "stops", "sign_ups", "contacts", "files"]
    after = {raw["_id"]: raw async for raw in old.events.collection.find({})}
    assert {id: after[id] for id in before} == before
    added = [raw for id, raw in after.items() if id not in before]
    assert {raw["action"] for raw in added} == {Action.CHANGE_ADDRESS}
    assert {raw.get("number") or raw.get("email") for raw in added} == {"+12015550125", "maya@example.com"}
    report = await verify(old, repair=False)
    assert report.is_whole, report
    counts = await old.consent_counts.of([DEALS, ORDERS])
    assert {id: +count for id, count in counts.items()} == {
        DEALS: {ConsentState.OPTED_OUT: 2, ConsentState.OPTED_IN: 1},
        ORDERS: {ConsentState.OPTED_OUT: 1},
    }
    assert await migrate(old) == []


async def test_several_processes_may_migrate_at_once(old: Store, mongo: EmbeddedServer) -> None:
    async with open_store(mongo.url, old.database.name) as other:
        await asyncio.gather(old.prepare(), other.prepare())
        done = await asyncio.gather(migrate(old), migrate(other))
    assert sorted(name for names in done for name in names) == [
        "addresses",
        "contacts",
        "counts",
        "files",
        "sign_ups",
        "stops",
        "texts",
    ]
    assert (await verify(old, repair=False)).is_whole


async def test_what_the_old_version_left_undone_is_done(old: Store, settings: Settings) -> None:
    """Its last event has no text, and its card is open."""
    await old.prepare()
    await migrate(old)
    bot = await make_bot(settings, old, "http://sayso.test")
    (left,) = await old.events.find({"number": "+12015550126"}, limit=2)
    await bot.catch_up.scan(left.at - timedelta(minutes=1), left.at + timedelta(minutes=1))
    assert await old.deliveries.get(f"confirmation:{left.event}")
    card = await old.parts.get(left.context.part or "")
    assert card
    assert card.content.state == "completed"  # type: ignore[union-attr]
    await bot.finish()


async def test_its_texts_are_on_the_phone_and_those_on_their_way_leave_once(old: Store, settings: Settings) -> None:
    confirmations = await old.deliveries.find({"kind": "confirmation"}, limit=9)
    delivered, lost = confirmations[0], confirmations[1]
    await old.deliveries.collection.update_many({"kind": "confirmation"}, {"$unset": {"provider_id": ""}})
    await old.deliveries.update({"_id": delivered.id}, {"$set": {"state": "sending"}})
    await old.deliveries.update({"_id": lost.id}, {"$set": {"state": "queued"}})
    await old.phone_texts.collection.delete_one({"key": lost.id})
    await old.prepare()
    await migrate(old)
    bot = await make_bot(settings, old, "http://sayso.test")
    await bot.sender.reconcile()
    while await bot.sender.send_some():
        pass
    states = {d.id: d.state for d in (await old.deliveries.get_many([delivered.id, lost.id])).values()}
    assert states[delivered.id] == "sent"
    assert states[lost.id] in {"sent", "blocked"}, "permission is asked once more"
    texts = [text.body for text in await bot.phone.texts(delivered.number)]
    assert len([text for text in texts if "You are now subscribed" in text]) == 1
    link = re.search(r"/p/([\w-]+)", next(text for text in texts if "/p/" in text))
    assert link
    assert (await bot.preferences.look(link[1])).contact.id == delivered.contact
    await bot.finish()


async def test_an_old_chain_goes_on_in_the_new_format_and_can_be_erased(old: Store) -> None:
    await old.prepare()
    await migrate(old)
    (maya,) = await old.contacts.find({"email": "maya@example.com"}, limit=2)
    ledger = Ledger(old)
    await ledger.record(change(maya.id, "again", number=maya.phone, subscription=DEALS))
    assert (await verify(old, repair=False)).is_whole
    await ledger.erase(maya.id, Actor(kind="system", id="test"), Source.SYSTEM, "erase")
    told = repr([raw async for raw in old.events.collection.find({"contact": maya.id})])
    assert maya.phone
    assert not [value for value in (maya.phone, "maya@example.com", "on the phone", "192.0.2.7") if value in told]
    assert (await verify(old, repair=False)).is_whole
    (first, *_) = await old.events.page_raw(f"{maya.id}:", limit=1)
    edits: list[dict[str, object]] = [{"action": Action.REFUSE}, {"hash": "0" * 64}, {"commitments": {}}]
    for edit in edits:
        await old.events.update({"_id": first["_id"]}, {"$set": edit})
        assert not (await verify(old, repair=False)).is_whole, edit
        await old.events.update({"_id": first["_id"]}, {"$set": first})
    assert (await verify(old, repair=False)).is_whole


async def test_a_stop_of_the_old_version_is_in_the_log(old: Store) -> None:
    await old.prepare()
    await migrate(old)
    (stop,) = await old.stops.find({}, limit=2)
    said = await old.stop_events.after(stop.id, 0, limit=9)
    assert [(entry.action, entry.at) for entry in said] == [("stop", stop.at), ("start", stop.lifted_at)]
    assert not await StopList(old, Ledger(old)).is_stopped(stop.id)


async def test_filters_find_contacts_of_the_old_version(old: Store) -> None:
    await old.prepare()
    await migrate(old)
    finder, everybody = ContactFinder(old), await old.contacts.page("", limit=100)
    for sort in SortBy:
        assert {c.id for c in (await finder.page(Filter(), Sort(sort))).items} == {c.id for c in everybody}
    with_number = [c.id for c in everybody if c.phone]
    assert await finder.ids(Filter.of(PhoneCountry(countries=("US",)))) == with_number
    yes = {c.id for c in everybody if (deals := c.consent(DEALS)) and deals.state is ConsentState.OPTED_IN}
    assert {*await finder.ids(Filter.of(Textable(subscription=DEALS)))} == yes
    assert "consents.subscription_1_consents.state_1" not in await old.contacts.collection.index_information()


async def test_sign_ups_of_the_old_version_leave_the_inbox(old: Store, settings: Settings) -> None:
    await old.prepare()
    bot = await make_bot(settings, old, "http://sayso.test")
    entries: list[tuple[str, Content]] = [("hello", Text(text="Welcome")), ("card", card())]
    for id in ("alone", "noted"):
        await bot.conversations.begin(id, "maya", FLOWS, entries)
        done = ConversationEvent(name=ConversationEventName.SIGNED_UP, part=2)
        await bot.conversations.append(id, Author(kind=AuthorKind.CONTACT, id="maya"), done, "done")
    await bot.inbox.note("noted", "ada", "A friend of ours", "note")
    as_before = {"$set": {"begun": True}, "$unset": {"signed_up": "", "sign_up_rank": ""}}
    await old.conversations.collection.update_many({"_id": {"$in": ["alone", "noted"]}}, as_before)
    await migrate(old)
    sign_ups = await bot.inbox.listing(View("ada", whose=Whose.SIGN_UPS))
    assert "alone" in [item.conversation.id for item in sign_ups.items]
    inbox = [item.conversation.id for item in (await bot.inbox.listing(View("ada"))).items]
    assert ("noted" in inbox, "alone" in inbox) == (True, False)
