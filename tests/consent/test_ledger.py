"""The one door (laws 1 to 4): one line a contact, written once, whole, whoever writes at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.app import Bot
from bot.consent.chains import fault
from bot.consent.changes import ConsentChange
from bot.consent.ledger import Ledger
from bot.consent.ledger_round import Recorded
from bot.consent.projection import opened_contact, project
from bot.consent.verify import verify
from bot.demo import DEALS, ORDERS
from bot.errors import Conflict, NotFound, SaysoError, StoreUnavailable
from bot.model.contact import ConsentState, Contact
from bot.model.event import Action, Actor, ChatOpening, ConsentEvent, Context, Source, Words
from bot.model.event_hash import FIRST
from bot.store import Store
from bot.store.driver import DURABLE
from bot.store.embedded import EmbeddedServer
from tests.people import ANOTHER, AT, HERE, NUMBER, change, events_of, look_again, second_process

MakeContact = Callable[..., Awaitable[Contact]]


async def test_a_change_is_an_event_and_then_a_standing(store: Store, make_contact: MakeContact) -> None:
    ada = await make_contact()
    recorded = await Ledger(store).record(change(ada.id, "k"))
    (event,) = await events_of(store, ada.id)
    assert (recorded.is_new, recorded.event) == (True, event)
    assert (event.id, event.seq, event.previous, event.hash) == (
        f"{ada.id}:0000000001",
        1,
        FIRST,
        event.computed_hash(),
    )
    stored = await store.contacts.get(ada.id)
    assert stored
    consent = stored.consent(DEALS)
    assert consent
    assert (consent.state, consent.number, consent.event) == (ConsentState.OPTED_IN, NUMBER, event.event)
    assert (stored.phone, stored.ledger.seq, stored.ledger.hash) == (NUMBER, 1, event.hash)


async def test_events_follow_one_another_and_the_standing_is_what_they_make(
    store: Store, make_contact: MakeContact
) -> None:
    ada, ledger = await make_contact(), Ledger(store)
    for i, action in enumerate([Action.OPT_IN, Action.OPT_OUT, Action.REQUEST_CONFIRMATION, Action.CONFIRM]):
        await ledger.record(change(ada.id, f"k{i}", action))
    await _has_whole_line(store, ada.id, 4)


async def test_nothing_else_of_the_contact_is_touched(store: Store, make_contact: MakeContact) -> None:
    ada = await make_contact(name="Ada", external_id="u1", attributes={"plan": "pro"}, email="ada@example.com")
    await Ledger(store).record(change(ada.id, "k"))
    stored = await store.contacts.get(ada.id)
    assert stored
    kept = {"name", "external_id", "attributes", "email", "role", "locale", "created_at"}
    assert stored.model_dump(include=kept) == ada.model_dump(include=kept)


class TestDurable:
    """Law 3."""

    async def test_every_table_writes_to_a_majority_and_its_journal(self, store: Store) -> None:
        assert DURABLE.document == {"w": "majority", "j": True, "wtimeout": 5000}
        concerns = {table.name: table.collection.write_concern.document for table in store.tables}
        assert concerns == dict.fromkeys(concerns, DURABLE.document)
        assert len(concerns) >= 12

    async def test_nobody_is_told_before_the_standing_is_stored(
        self, store: Store, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada, order = await make_contact(), []
        insert, project_many = store.events.append, store.contacts.project_many

        async def slow_insert(documents: Sequence[dict[str, Any]]) -> list[bool]:
            done = await insert(documents)
            order.append("event")
            return done

        async def slow_project(pairs: Sequence[tuple[Contact, Contact]]) -> None:
            await asyncio.sleep(0.05)
            await project_many(pairs)
            order.append("projection")

        monkeypatch.setattr(store.events, "append", slow_insert)
        monkeypatch.setattr(store.contacts, "project_many", slow_project)
        await Ledger(store).record(change(ada.id, "k"))
        order.append("answer")
        assert order == ["event", "projection", "answer"]

    @pytest.mark.parametrize("broken", ["append", "project_many"])
    async def test_a_database_that_does_not_answer_is_no_yes_and_asking_again_is_safe(
        self, store: Store, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        ada = await make_contact()

        async def away(*_: object) -> Any:
            raise StoreUnavailable

        with monkeypatch.context() as patch:
            patch.setattr(store.events if broken == "append" else store.contacts, broken, away)
            with pytest.raises(StoreUnavailable):
                await Ledger(store).record(change(ada.id, "k"))
        recorded = await Ledger(store).record(change(ada.id, "k"))
        assert recorded.event.seq == 1
        await _has_whole_line(store, ada.id, 1)


class TestSameKey:
    """Law 4."""

    async def test_twice_makes_one_event_and_the_same_answer(self, store: Store, make_contact: MakeContact) -> None:
        ada, ledger = await make_contact(), Ledger(store)
        first = await ledger.record(change(ada.id, "k"))
        again = await ledger.record(change(ada.id, "k", Action.OPT_OUT))
        assert (first.is_new, again.is_new, again.event) == (True, False, first.event)
        await _has_whole_line(store, ada.id, 1)

    async def test_long_after_makes_no_event_either(self, store: Store, make_contact: MakeContact) -> None:
        ada, ledger = await make_contact(), Ledger(store)
        first = await ledger.record(change(ada.id, "k"))
        for i in range(5):
            await ledger.record(change(ada.id, f"other{i}", Action.OPT_OUT))
        assert (await ledger.record(change(ada.id, "k"))).event == first.event
        line = await _has_whole_line(store, ada.id, 6)
        assert line[-1].action is Action.OPT_OUT

    async def test_fifty_times_at_once_makes_one_event(self, store: Store, make_contact: MakeContact) -> None:
        ada, ledger = await make_contact(), Ledger(store)
        answers = await asyncio.gather(*(ledger.record(change(ada.id, "k")) for _ in range(50)))
        assert {a.event.event for a in answers} == {answers[0].event.event}
        assert sum(a.is_new for a in answers) == 1
        await _has_whole_line(store, ada.id, 1)

    @pytest.mark.parametrize("before", [0, 2])
    async def test_by_two_processes_at_once_makes_one_event(
        self, store: Store, make_contact: MakeContact, mongo: EmbeddedServer, before: int
    ) -> None:
        ada, ledger = await make_contact(), Ledger(store)
        for i in range(before):
            await ledger.record(change(ada.id, f"before{i}"))
        async with second_process(mongo) as other:
            ledgers = [ledger, Ledger(other)]
            for i in range(10):
                both = await asyncio.gather(*(one.record(change(ada.id, f"k{i}")) for one in ledgers))
                assert both[0].event == both[1].event
                assert sum(a.is_new for a in both) == 1
        await _has_whole_line(store, ada.id, before + 10)

    async def test_twice_in_one_batch_makes_one_event(self, store: Store, make_contact: MakeContact) -> None:
        ada = await make_contact()
        first, again = _recorded(await Ledger(store).record_many([change(ada.id, "k"), change(ada.id, "k")]))
        assert (first.event, first.is_new, again.is_new) == (again.event, True, False)

    async def test_of_two_contacts_makes_two_events(self, store: Store, make_contact: MakeContact) -> None:
        ada, bob, ledger = await make_contact(), await make_contact(), Ledger(store)
        for _ in range(2):
            for one in (ada, bob):
                assert (await ledger.record(change(one.id, "k"))).event.contact == one.id
        for one in (ada, bob):
            await _has_whole_line(store, one.id, 1)


class TestAtOnce:
    """Law 2."""

    async def test_two_processes_write_two_hundred_events_of_one_contact_into_one_line(
        self, store: Store, make_contact: MakeContact, mongo: EmbeddedServer
    ) -> None:
        ada = await make_contact()
        async with second_process(mongo) as other:
            ledgers = [Ledger(store), Ledger(other)]
            answers = await asyncio.gather(*(ledgers[i % 2].record(change(ada.id, f"k{i}")) for i in range(200)))
        assert all(a.is_new for a in answers)
        assert sorted(a.event.seq for a in answers) == list(range(1, 201))
        line = await _has_whole_line(store, ada.id, 200)
        assert Counter(e.key for e in line) == Counter(f"{ada.id}:k{i}" for i in range(200))

    async def test_many_contacts_share_their_round_trips_and_keep_their_own_lines(
        self, store: Store, make_contact: MakeContact
    ) -> None:
        people = [await make_contact() for _ in range(60)]
        ledger = Ledger(store)
        await asyncio.gather(*(ledger.record(change(p.id, f"k{i}")) for p in people for i in range(3)))
        for one in people:
            await _has_whole_line(store, one.id, 3)

    async def test_changes_of_one_contact_in_one_batch_keep_their_order(
        self, store: Store, make_contact: MakeContact
    ) -> None:
        ada, bob = await make_contact(), await make_contact()
        actions = [Action.OPT_IN, Action.OPT_OUT] * 4 + [Action.OPT_IN]
        changes = [change(p.id, f"k{i}", a) for i, a in enumerate(actions) for p in (ada, bob)]
        answers = _recorded(await Ledger(store).record_many(changes))
        assert [a.event.key for a in answers] == [c.log_key for c in changes]
        for one in (ada, bob):
            line = await _has_whole_line(store, one.id, 9)
            assert [e.action for e in line] == actions

    async def test_an_unknown_contact_is_refused_and_all_others_are_recorded(
        self, store: Store, make_contact: MakeContact
    ) -> None:
        ada, bob = await make_contact(), await make_contact()
        asked = [change(ada.id, "k"), change("nobody", "k"), change(bob.id, "k"), change("nobody", "k2")]
        a, nobody, b, still_nobody = await Ledger(store).record_many(asked)
        assert isinstance(nobody, NotFound)
        assert isinstance(still_nobody, NotFound)
        assert [r.event.contact for r in _recorded([a, b])] == [ada.id, bob.id]
        assert await events_of(store, "nobody") == []

    async def test_at_the_same_time_too(self, store: Store, make_contact: MakeContact) -> None:
        ada, ledger = await make_contact(), Ledger(store)
        answers = await asyncio.gather(
            ledger.record(change("nobody", "k")), ledger.record(change(ada.id, "k")), return_exceptions=True
        )
        assert isinstance(answers[0], NotFound)
        assert isinstance(answers[1], Recorded)

    async def test_nothing_to_record_is_nothing(self, store: Store) -> None:
        assert await Ledger(store).record_many([]) == []


class TestAfterACrash:
    """Between the event and the projection: the next who looks takes it over."""

    async def test_the_next_reader_sees_what_the_ledger_says_and_stores_it(
        self, store: Store, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada = await make_contact()
        await _record_without_projection(store, monkeypatch, ada, [Action.OPT_IN, Action.OPT_OUT, Action.OPT_IN])
        stale = await store.contacts.get(ada.id)
        assert stale
        assert stale.consents == ()
        seen = await Ledger(store).contact(ada.id)
        assert seen
        assert [c.state for c in seen.consents] == [ConsentState.OPTED_IN]
        await _has_whole_line(store, ada.id, 3)

    async def test_the_next_writer_goes_on_after_it(
        self, store: Store, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada = await make_contact()
        await _record_without_projection(store, monkeypatch, ada, [Action.OPT_IN])
        assert (await Ledger(store).record(change(ada.id, "k", Action.OPT_OUT))).event.seq == 2
        await _has_whole_line(store, ada.id, 2)

    async def test_the_same_request_again_records_nothing_new(
        self, store: Store, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada = await make_contact()
        await _record_without_projection(store, monkeypatch, ada, [Action.OPT_IN])
        assert not (await Ledger(store).record(change(ada.id, "lost0"))).is_new
        await _has_whole_line(store, ada.id, 1)

    async def test_a_late_projection_takes_nothing_back(self, store: Store, make_contact: MakeContact) -> None:
        """A writer that slept meanwhile finds the head moved on."""
        ada, ledger = await make_contact(), Ledger(store)
        await ledger.record(change(ada.id, "k1"))
        first = await store.contacts.get(ada.id)
        await ledger.record(change(ada.id, "k2", Action.OPT_OUT))
        assert first
        await store.contacts.project_many([(ada, first)])
        await _has_whole_line(store, ada.id, 2)

    async def test_many_are_repaired_at_once(
        self, store: Store, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people = [await make_contact() for _ in range(5)]
        for one in people[:3]:
            await _record_without_projection(store, monkeypatch, one, [Action.OPT_IN])
        seen = await Ledger(store).contacts(p.id for p in people)
        assert [bool(seen[p.id].consent(DEALS)) for p in people] == [True, True, True, False, False]


async def test_subscriptions_of_one_contact_stand_apart(store: Store, make_contact: MakeContact) -> None:
    ada, ledger = await make_contact(), Ledger(store)
    await asyncio.gather(
        ledger.record(change(ada.id, "a")), ledger.record(change(ada.id, "b", Action.OPT_OUT, subscription=ORDERS))
    )
    seen = await ledger.contact(ada.id)
    assert seen
    assert {c.subscription: c.state.value for c in seen.consents} == {DEALS: "opted_in", ORDERS: "opted_out"}


async def test_a_stranger_has_no_standing(store: Store) -> None:
    assert await Ledger(store).contact("nobody") is None


async def _has_whole_line(store: Store, contact: str, count: int) -> list[ConsentEvent]:
    """The chain is whole, and the stored contact stands as a projection from nothing says."""
    line = await events_of(store, contact)
    assert [event.seq for event in line] == list(range(1, count + 1))
    previous = FIRST
    for seq, event in enumerate(line, start=1):
        assert fault(event.stored(), event.contact, seq, previous) is None
        previous = event.hash
    stored = await store.contacts.get(contact)
    assert stored
    right = project(stored, line)
    assert (stored.ledger, stored.phone) == (right.ledger, right.phone)
    assert {c.subscription: c for c in stored.consents} == {c.subscription: c for c in right.consents}
    return line


async def _record_without_projection(
    store: Store, monkeypatch: pytest.MonkeyPatch, contact: Contact, actions: Sequence[Action]
) -> None:
    """As writers leave it that were killed between the two; each other one's event is known to the next."""
    head = contact

    async def lost(pairs: Sequence[tuple[Contact, Contact]]) -> None:
        nonlocal head
        head = pairs[0][1]

    async def known(ids: object) -> dict[str, Contact]:
        return {contact.id: head}

    with monkeypatch.context() as patch:
        patch.setattr(store.contacts, "project_many", lost)
        patch.setattr(store.contacts, "get_many", known)
        for i, action in enumerate(actions):
            await Ledger(store).record(change(contact.id, f"lost{i}", action))


def _recorded(answers: Sequence[Recorded | SaysoError]) -> list[Recorded]:
    found = [a for a in answers if isinstance(a, Recorded)]
    assert len(found) == len(answers)
    return found


class TestFirstAct:
    """A chat is opened without a write: the contact appears with their first act."""

    def _first(self, key: str = "k", **values: Any) -> ConsentChange:
        opening = ChatOpening(
            conversation="c1", flow="f", flow_version=3, message="m", locale="es", time_zone="Europe/Madrid", at=AT
        )
        context = Context(conversation="c1", part="c1:0000000002", page="https://shop.example", opening=opening)
        return change("ada", key, context=context, judged=opened_contact("ada", context), **values)

    async def test_it_makes_the_contact_with_the_event(self, store: Store) -> None:
        recorded = await Ledger(store).record(self._first())
        assert recorded.event.context.opening
        contact = await store.contacts.get("ada")
        assert contact
        assert (contact.locale, contact.time_zone, contact.page, contact.created_at, contact.phone) == (
            "es", "Europe/Madrid", "https://shop.example", AT, NUMBER,
        )  # fmt: skip
        await _has_whole_line(store, "ada", 1)
        assert (await verify(store, repair=False)).is_whole

    async def test_of_many_at_once_one_makes_the_contact(self, store: Store, mongo: EmbeddedServer) -> None:
        async with second_process(mongo) as other:
            ledgers = [Ledger(store), Ledger(other)]
            answers = await asyncio.gather(
                *(ledgers[i % 2].record(self._first(f"k{i % 3}")) for i in range(12)), return_exceptions=True
            )
        done = [a for a in answers if isinstance(a, Recorded)]
        assert len([a for a in done if a.is_new]) == 1
        assert all(isinstance(a, Recorded | Conflict) for a in answers)
        await _has_whole_line(store, "ada", 1)

    async def test_a_message_may_have_made_the_contact_before(self, store: Store, make_contact: MakeContact) -> None:
        await store.contacts.insert(Contact(id="ada", name="Ada", created_at=AT, updated_at=AT))
        await Ledger(store).record(self._first())
        contact = await store.contacts.get("ada")
        assert contact
        assert (contact.name, contact.phone, len(contact.consents)) == ("Ada", NUMBER, 1)
        await _has_whole_line(store, "ada", 1)

    async def test_a_crash_between_event_and_contact_is_repaired_by_the_next_reader(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def dies(*_: object) -> list[bool]:
            raise StoreUnavailable

        with monkeypatch.context() as patch:
            patch.setattr(store.contacts, "insert_many", dies)
            with pytest.raises(StoreUnavailable):
                await Ledger(store).record(self._first())
        assert await store.contacts.get("ada") is None
        seen = await asyncio.gather(*(Ledger(store).contact("ada") for _ in range(5)))
        assert {contact.phone for contact in seen if contact} == {NUMBER}
        assert None not in seen
        await _has_whole_line(store, "ada", 1)

    async def test_the_same_request_again_is_known(self, store: Store) -> None:
        first = await Ledger(store).record(self._first())
        with pytest.raises(Conflict):
            await Ledger(store).record(self._first())
        contact = await Ledger(store).contact("ada")
        again = await Ledger(store).record(replace(self._first(), judged=contact))
        assert (again.is_new, again.event) == (False, first.event)


class TestErasing:
    async def test_it_drops_personal_values_and_keeps_the_chain(self, store: Store, make_contact: MakeContact) -> None:
        ada, ledger = await make_contact(), Ledger(store)
        words = Words(subscription_name="Deals", locale="en", act='texted "YES"')
        await ledger.record(change(ada.id, "1", words=words, context=HERE))
        await ledger.record(change(ada.id, "2", Action.CHANGE_ADDRESS, number=ANOTHER, email="ada@example.com"))
        await ledger.erase(ada.id, Actor(kind="teammate", id="t"), Source.PROFILE, "erase")
        told = repr([raw async for raw in store.events.collection.find({})])
        assert not [value for value in (NUMBER, ANOTHER, "ada@example.com", "YES", HERE.ip) if value and value in told]
        contact = await store.contacts.get(ada.id)
        assert contact
        assert (contact.phone, contact.email, contact.consents) == (None, None, ())
        assert (await verify(store, repair=False)).is_whole
        with pytest.raises(NotFound):
            await ledger.record(change(ada.id, "back", number=ANOTHER))

    async def test_a_value_that_is_missing_without_it_is_a_fault(self, store: Store, make_contact: MakeContact) -> None:
        ada, ledger = await make_contact(), Ledger(store)
        event = (await ledger.record(change(ada.id, "1"))).event
        await store.events.erase_values([event.stored()])
        report = await verify(store, repair=False)
        assert report.faults == [f"contact {ada.id}: event 1 lacks values that no later event erases"]

    async def test_a_crash_before_the_values_are_gone_is_made_up_for(
        self, bot: Bot, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def dies(*_: object, **__: object) -> None:
            raise StoreUnavailable

        ada = await make_contact()
        await Ledger(bot.store).record(change(ada.id, "1"))
        with monkeypatch.context() as patch:
            patch.setattr(bot.store.events, "erase_values", dies)
            with pytest.raises(StoreUnavailable):
                await Ledger(bot.store).erase(ada.id, Actor(kind="teammate", id="t"), Source.PROFILE, "erase")
        await look_again(bot)
        (first, _) = await events_of(bot.store, ada.id)
        assert (first.number, set(first.commitments)) == (None, {"/number"})
        assert (await verify(bot.store, repair=False)).is_whole
