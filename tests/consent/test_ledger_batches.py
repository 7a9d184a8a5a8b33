"""Several changes of one contact in one call, and contacts who are stored by their first event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot import fault_points
from bot.consent.changes import ConsentChange
from bot.consent.ledger import Ledger
from bot.consent.ledger_round import Recorded
from bot.consent.verify import verify
from bot.demo import DEALS, NEWS, ORDERS
from bot.errors import OwnOptOut, StoreUnavailable
from bot.model.contact import ConsentState, Contact, Role
from bot.model.event import Action, Actor, Source
from bot.store import Store
from tests.people import AT, NUMBER, change, events_of

MakeContact = Callable[..., Awaitable[Contact]]
IMPORT: dict[str, Any] = {"source": Source.IMPORT, "actor": Actor(kind="teammate", id="ada")}


def added(id: str = "a" * 24, **values: Any) -> Contact:
    """A contact whom an import adds."""
    usual: dict[str, Any] = {"name": "Ada Lovelace", "attributes": {"city": "Kiel"}, "tags": ("vip",)}
    return Contact(id=id, created_at=AT, updated_at=AT, is_stored=False, **{**usual, **values})


def imported(contact: Contact) -> list[ConsentChange]:
    """Their email address, then a consent for their number."""
    email = change(contact.id, "1", Action.CHANGE_ADDRESS, subscription=None, number=None, email="a@x.com", **IMPORT)
    return [email, change(contact.id, "2", **IMPORT)]


async def test_all_changes_of_a_contact_are_recorded_in_their_order(store: Store, make_contact: MakeContact) -> None:
    ada, ben = await make_contact(), await make_contact()
    wanted = [
        change(ada.id, "1"),
        change(ben.id, "1"),
        change(ada.id, "2", Action.OPT_OUT),
        change(ada.id, "3", subscription=ORDERS),
        change(ada.id, "2", Action.OPT_OUT),
    ]
    found = await Ledger(store).record_many(wanted)
    assert [(r.event.contact, r.event.seq, r.is_new) for r in found if isinstance(r, Recorded)] == [
        (ada.id, 1, True), (ben.id, 1, True), (ada.id, 2, True), (ada.id, 3, True), (ada.id, 2, False),
    ]  # fmt: skip
    stored = await store.contacts.get(ada.id)
    assert stored
    assert {c.subscription: c.state for c in stored.consents} == {
        DEALS: ConsentState.OPTED_OUT, ORDERS: ConsentState.OPTED_IN,
    }  # fmt: skip
    assert (await verify(store, repair=False)).is_whole


async def test_a_change_is_judged_by_those_before_it(store: Store, make_contact: MakeContact) -> None:
    ada = await make_contact()
    wanted = [
        change(ada.id, "1", Action.OPT_OUT),
        change(ada.id, "2", **IMPORT),
        change(ada.id, "3", subscription=NEWS),
    ]
    no, refused, other = await Ledger(store).record_many(wanted)
    assert isinstance(refused, OwnOptOut)
    assert isinstance(no, Recorded)
    assert isinstance(other, Recorded)
    assert (no.event.seq, other.event.seq) == (1, 2)


async def test_those_after_a_lost_one_are_recorded_after_the_other_writer(
    store: Store, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ledger = await make_contact(), Ledger(store)
    real, is_first = store.events.append, True

    async def late(raws: Any) -> list[bool]:
        nonlocal is_first
        if is_first:
            is_first = False
            await Ledger(store).record(change(ada.id, "other", subscription=ORDERS))
        return await real(raws)

    monkeypatch.setattr(store.events, "append", late)
    await ledger.record_many([change(ada.id, "1"), change(ada.id, "2", Action.OPT_OUT)])
    keys = [event.key.partition(":")[2] for event in await events_of(store, ada.id)]
    assert keys == ["other", "1", "2"]
    assert (await verify(store, repair=False)).is_whole


async def test_a_contact_is_stored_by_their_first_event(store: Store) -> None:
    ada = added(external_id="7", role=Role.USER)
    found = await Ledger(store).record_many(imported(ada), {ada.id: ada})
    assert [r.event.context.creates for r in found if isinstance(r, Recorded)] == [True, None]
    stored = await store.contacts.get(ada.id)
    assert stored
    assert (stored.name, stored.external_id, stored.attributes, stored.tags) == (
        "Ada Lovelace", "7", {"city": "Kiel"}, ("vip",),
    )  # fmt: skip
    assert (stored.email, stored.phone, stored.ledger.seq, len(stored.consents)) == ("a@x.com", NUMBER, 2, 1)
    assert (await verify(store, repair=False)).is_whole


@pytest.mark.parametrize("is_read", [False, True], ids=["", "after somebody read them"])
async def test_after_a_crash_the_same_call_stores_all_of_them(
    store: Store, monkeypatch: pytest.MonkeyPatch, is_read: bool
) -> None:
    ada = added()
    with monkeypatch.context() as patch:
        patch.setattr(fault_points, "reached", _dies_at("recorded"))
        with pytest.raises(StoreUnavailable):
            await Ledger(store).record_many(imported(ada), {ada.id: ada})
    assert await store.contacts.get(ada.id) is None
    if is_read:
        seen = await Ledger(store).contact(ada.id)
        assert seen
        assert (seen.name, seen.email, seen.phone) == (None, "a@x.com", NUMBER)
    again = await Ledger(store).record_many(imported(ada), {ada.id: ada})
    assert [r.is_new for r in again if isinstance(r, Recorded)] == [False, False]
    stored = await store.contacts.get(ada.id)
    assert stored
    assert (stored.phone, stored.ledger.seq, stored.name) == (NUMBER, 2, None if is_read else "Ada Lovelace")
    assert (await verify(store, repair=False)).is_whole


async def test_verify_stores_whom_a_crash_left_without_contact(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = added()
    with monkeypatch.context() as patch:
        patch.setattr(fault_points, "reached", _dies_at("recorded"))
        with pytest.raises(StoreUnavailable):
            await Ledger(store, clock=lambda: AT).record_many(imported(ada), {ada.id: ada})
    report = await verify(store, repair=True)
    assert (report.faults, report.stale, report.repaired) == ([], [ada.id], [ada.id])
    stored = await store.contacts.get(ada.id)
    assert stored
    assert (stored.phone, stored.ledger.seq) == (NUMBER, 2)


async def test_a_reader_between_event_and_contact_takes_nothing_from_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, real = added(), store.contacts.insert_many

    async def late(contacts: Any) -> list[bool]:
        monkeypatch.setattr(store.contacts, "insert_many", real)
        await Ledger(store).contact(ada.id)
        return await real(contacts)

    monkeypatch.setattr(store.contacts, "insert_many", late)
    await Ledger(store).record_many(imported(ada), {ada.id: ada})
    stored = await store.contacts.get(ada.id)
    assert stored
    assert (stored.name, stored.attributes, stored.tags) == ("Ada Lovelace", {"city": "Kiel"}, ("vip",))
    assert (await verify(store, repair=False)).is_whole


async def test_whose_user_id_another_contact_got_is_stored_without_it(store: Store, make_contact: MakeContact) -> None:
    await make_contact(external_id="7", role=Role.USER)
    ada = added(external_id="7", role=Role.USER)
    await Ledger(store).record_many(imported(ada), {ada.id: ada})
    stored = await store.contacts.get(ada.id)
    assert stored
    assert (stored.name, stored.external_id, stored.role, stored.phone) == ("Ada Lovelace", None, Role.LEAD, NUMBER)
    assert (await verify(store, repair=False)).is_whole


def _dies_at(point: str) -> Callable[[str], None]:
    def reached(here: str) -> None:
        if here == point:
            raise StoreUnavailable

    return reached
