"""A teammate writes down what a contact told them: named, with how it was said, never over the contact's own word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from bot.app import Bot, make_bot
from bot.config import Settings
from bot.consent.attestations import Attestation
from bot.consent.overrides import Obstacle
from bot.consent.status import statuses
from bot.consent.verify import verify
from bot.demo import DEALS, NEWS, ORDERS
from bot.errors import (
    Conflict,
    EmailRefused,
    FormWrong,
    Invalid,
    NotFound,
    NumberRefused,
    NumberStopped,
    OwnOptOut,
    SavedNumberLocked,
)
from bot.model.base import new_id, now
from bot.model.contact import ConsentState, Contact
from bot.model.delivery import DeliveryKind
from bot.model.event import Action, Evidence, How, Source
from bot.model.paging import Cursor
from bot.model.subscription import ConsentType, MessageType, SubscriptionState
from bot.model.teammate import By, TeammateRole
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.people import ANOTHER, HERE, NUMBER, change, consent, events_of, person, subscription

MakeContact = Callable[..., Awaitable[Contact]]
ADA = By("a" * 24, "Ada")


def given(how: How = How.SPOKEN, ago: timedelta = timedelta(), **values: Any) -> Evidence:
    """Consent that was given so long ago; without `ago`, later than anything that was recorded until now."""
    at = now() - ago if ago else now() + timedelta(seconds=1)
    return Evidence(**{"how": how, "given_at": at, "note": "On the phone, 9:40", **values})


def told(key: str = "k", **values: Any) -> Attestation:
    return Attestation(**{"by": ADA, "key": key, "evidence": given(), "context": HERE, **values})


async def warned(bot: Bot, contact: Contact, subscription: str = DEALS) -> str:
    """The event of the opt-out that holds."""
    found = await bot.ledger.contact(contact.id)
    no = found.consent(subscription) if found else None
    assert no
    assert no.is_no
    return no.event


async def yes(bot: Bot, contact: Contact, subscription: str = DEALS, **values: Any) -> str:
    """The state after it."""
    return (await bot.attestations.opt_in(contact.id, subscription, told(**values), await bot.workspace())).state


async def no(bot: Bot, contact: Contact, subscription: str = DEALS, key: str = "n", **values: Any) -> str:
    return (await bot.attestations.opt_out(contact.id, subscription, told(key, **{"evidence": None, **values}))).state


async def ask_twice(store: Store) -> None:
    """Makes the deals ask for a confirmation by text."""
    await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})


class TestStandings:
    """Pure."""

    @pytest.mark.parametrize(
        ("consent_type", "state", "phone", "stopped", "shown"),
        [
            (ConsentType.OPT_IN, None, NUMBER, (), "off"),
            (ConsentType.OPT_IN, ConsentState.PENDING, NUMBER, (), "pending"),
            (ConsentType.OPT_IN, ConsentState.PENDING, None, (), "pending"),
            (ConsentType.OPT_IN, ConsentState.OPTED_IN, NUMBER, (), "on"),
            (ConsentType.OPT_IN, ConsentState.OPTED_IN, ANOTHER, (), "off"),
            (ConsentType.OPT_IN, ConsentState.OPTED_OUT, NUMBER, (), "off"),
            (ConsentType.OPT_OUT, None, NUMBER, (), "on"),
            (ConsentType.OPT_OUT, None, NUMBER, (NUMBER,), "stopped"),
            (ConsentType.OPT_IN, None, None, (), "unreachable"),
            (ConsentType.OPT_OUT, None, "12", (), "unreachable"),
        ],
    )
    def test_every_live_subscription_has_its_state(
        self, consent_type: ConsentType, state: ConsentState | None, phone: str, stopped: tuple[str, ...], shown: str
    ) -> None:
        contact = person(phone=phone, consents=(consent(state),) if state else ())
        (status,) = statuses(contact, [subscription(consent_type=consent_type)], stopped=stopped)
        assert (status.state, status.is_default) == (shown, state is None)

    def test_an_email_is_reached_at_the_address_whatever_the_number_is(self) -> None:
        letter = subscription(message_type=MessageType.EMAIL)
        (status,) = statuses(person(email="ada@example.com", phone=NUMBER), [letter], stopped={NUMBER})
        assert (status.state, status.address) == ("off", "ada@example.com")


class TestAYes:
    async def test_it_names_the_teammate_and_keeps_how_and_when_it_was_said(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        contact, evidence = await make_contact(phone=NUMBER, locale="es"), given(ago=timedelta(days=3))
        assert await yes(bot, contact, evidence=evidence) == "on"
        (event,) = await events_of(store, contact.id)
        assert (event.action, event.source, event.number) == (Action.OPT_IN, Source.PROFILE, NUMBER)
        assert (event.actor.kind, event.actor.id) == ("teammate", ADA.id)
        assert (event.evidence, event.context) == (evidence, HERE)
        assert event.words is None, "nobody was shown any words"

    async def test_better_evidence_is_added_to_a_yes_that_is_not_sent_on(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        """Also with double opt-in: the number is not asked again."""
        contact = await make_contact(phone=NUMBER)
        assert await yes(bot, contact, key="spoken") == "on"
        await ask_twice(store)
        for key, how in [("again", How.SPOKEN), ("paper", How.PAPER), ("paper", How.PAPER), ("more", How.WRITTEN)]:
            assert await yes(bot, contact, key=key, evidence=given(how)) == "on"
        events = await events_of(store, contact.id)
        assert [(e.action, e.evidence.how) for e in events] == [
            (Action.OPT_IN, How.SPOKEN),
            (Action.OPT_IN, How.PAPER),
        ]

    @pytest.mark.parametrize("forged", [{"evidence.note": "On paper"}, {"evidence.given_at": now()}])
    async def test_how_and_when_it_was_said_is_in_the_hash(
        self, bot: Bot, store: Store, make_contact: MakeContact, forged: dict[str, Any]
    ) -> None:
        contact = await make_contact(phone=NUMBER)
        await yes(bot, contact)
        assert (await verify(store, repair=False)).is_whole
        await store.events.collection.update_one({}, {"$set": forged})
        (fault,) = (await verify(store, repair=False)).faults
        assert "was edited" in fault

    async def test_an_event_without_it_has_the_hash_that_it_always_had(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        contact = await make_contact(phone=NUMBER)
        recorded = await bot.ledger.record(change(contact.id, "k"))
        assert "evidence" not in recorded.event.canonical()

    async def test_the_contact_is_told_by_text(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        await yes(bot, await make_contact(phone=NUMBER))
        await bot.consumers.drain()
        (delivery,) = await store.deliveries.find({}, limit=9)
        assert (delivery.kind, delivery.number) == (DeliveryKind.CONFIRMATION, NUMBER)

    async def test_with_double_opt_in_the_number_is_asked_first(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        await ask_twice(store)
        contact = await make_contact()
        assert await yes(bot, contact, address="(201) 555-0123") == "pending"
        assert await yes(bot, contact, key="again") == "pending"
        (event,) = await events_of(store, contact.id)
        assert (event.action, event.number) == (Action.REQUEST_CONFIRMATION, NUMBER)
        await bot.consumers.drain()
        (delivery,) = await store.deliveries.find({}, limit=9)
        assert delivery.kind is DeliveryKind.ASK
        fresh = await bot.ledger.contact(contact.id)
        assert fresh
        assert fresh.phone is None, "a typing error is not locked"

    async def test_it_needs_how_and_when_it_was_said(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        contact = await make_contact(phone=NUMBER)
        wrong_ones = (
            (None, "how"),
            (given(How.OTHER, note=" "), "note"),
            (given(given_at=None), "given_at"),
            (given(given_at=now() + timedelta(hours=1)), "given_at"),
        )
        for evidence, field in wrong_ones:
            with pytest.raises(FormWrong) as wrong:
                await yes(bot, contact, evidence=evidence)
            assert set(wrong.value.faults) == {field}
        assert await events_of(store, contact.id) == []

    async def test_a_stopped_number_is_lifted_by_nobody_but_the_person(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        await bot.stops.stop(NUMBER, "STOP", "t1")
        contact, other = await make_contact(phone=NUMBER), await make_contact()
        with pytest.raises(NumberStopped):
            await yes(bot, contact)
        with pytest.raises(NumberStopped):
            await yes(bot, other, address=NUMBER)
        assert await events_of(store, contact.id) == await events_of(store, other.id) == []
        assert await bot.stops.is_stopped(NUMBER)
        profile = await bot.consents.look(contact.id)
        assert (profile.stopped, {s.state for s in profile.statuses}) == (True, {"stopped", "unreachable"})

    async def test_a_saved_number_is_locked(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        contact = await make_contact(phone=NUMBER, email="ada@example.com")
        with pytest.raises(SavedNumberLocked):
            await yes(bot, contact, address=ANOTHER)
        with pytest.raises(SavedNumberLocked):
            await yes(bot, contact, NEWS, address="eve@example.com")
        assert await events_of(store, contact.id) == []
        assert await yes(bot, contact, address="(201) 555-0123") == "on"
        assert await yes(bot, contact, NEWS, address="Ada@Example.com ") == "on"

    async def test_a_number_that_is_typed_becomes_the_contacts(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        contact = await make_contact(phone="12")
        assert await yes(bot, contact, ORDERS, address="(201) 555-0123") == "on", "on by default, and said now"
        assert await yes(bot, contact, NEWS, address="ada@example.com") == "on"
        fresh = await bot.ledger.contact(contact.id)
        assert fresh
        assert (fresh.phone, fresh.email) == (NUMBER, "ada@example.com")
        assert [e.replaced for e in await events_of(store, contact.id)] == ["12", None], "the old one is kept"

    async def test_what_is_no_number_is_refused(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        contact = await make_contact()
        with pytest.raises(FormWrong, match="fields"):
            await yes(bot, contact)
        with pytest.raises(NumberRefused):
            await yes(bot, contact, address="555-01")
        with pytest.raises(EmailRefused):
            await yes(bot, contact, NEWS, address="ada")
        assert await events_of(store, contact.id) == []

    async def test_the_same_key_makes_one_event(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        contact = await make_contact(phone=NUMBER)
        assert set(await asyncio.gather(*(yes(bot, contact) for _ in range(5)))) == {"on"}
        assert await yes(bot, contact) == "on"
        assert len(await events_of(store, contact.id)) == 1

    async def test_a_late_retry_is_no_new_yes(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        contact = await make_contact(phone=NUMBER)
        await yes(bot, contact)
        await no(bot, contact)
        with pytest.raises(Conflict):
            await yes(bot, contact)
        assert await yes(bot, contact, key="new", warned_of=await warned(bot, contact)) == "on"
        with pytest.raises(Conflict):
            await no(bot, contact)
        assert len(await events_of(store, contact.id)) == 3

    async def test_who_is_on_already_is_left_alone(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        contact = await make_contact(phone=NUMBER)
        await bot.ledger.record(change(contact.id, "form"))
        assert await yes(bot, contact) == "on"
        assert await yes(bot, contact, ORDERS) == "on", "by default"
        assert len(await events_of(store, contact.id)) == 1

    async def test_a_no_that_came_meanwhile_stands(
        self, bot: Bot, store: Store, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        contact = await make_contact(phone=NUMBER)
        real = bot.stops.is_stopped

        async def meanwhile(number: str) -> bool:
            monkeypatch.setattr(bot.stops, "is_stopped", real)
            await bot.ledger.record(change(contact.id, "theirs", Action.OPT_OUT))
            return await real(number)

        monkeypatch.setattr(bot.stops, "is_stopped", meanwhile)
        with pytest.raises(OwnOptOut):
            await yes(bot, contact, evidence=given(ago=timedelta(minutes=1)))
        assert [e.action for e in await events_of(store, contact.id)] == [Action.OPT_OUT]

    async def test_a_no_that_was_said_after_the_teammate_was_asked_stands(
        self, bot: Bot, make_contact: MakeContact, store: Store
    ) -> None:
        """The form was open meanwhile: it warned of an older opt-out, or of none."""
        maya = await make_contact(phone=NUMBER)
        said = await bot.ledger.record(change(maya.id, "no", Action.OPT_OUT, source=Source.PREFERENCE_CENTER))
        for warned_of in (None, "an-older-no"):
            with pytest.raises(OwnOptOut) as refused:
                await yes(bot, maya, warned_of=warned_of)
            assert refused.value.obstacle == Obstacle.NOT_WARNED
        assert len(await events_of(store, maya.id)) == 1
        assert await yes(bot, maya, warned_of=said.event.event) == "on"

    async def test_another_writer_between_makes_it_judged_again(
        self, bot: Bot, store: Store, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        contact = await make_contact(phone=NUMBER, email="ada@example.com")
        real = bot.stops.is_stopped

        async def meanwhile(number: str) -> bool:
            monkeypatch.setattr(bot.stops, "is_stopped", real)
            await bot.ledger.record(change(contact.id, "other", subscription=ORDERS))
            return await real(number)

        monkeypatch.setattr(bot.stops, "is_stopped", meanwhile)
        assert await yes(bot, contact) == "on"
        assert [e.subscription for e in await events_of(store, contact.id)] == [ORDERS, DEALS]

    async def test_only_what_is_live_can_be_said_yes_to(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        contact = await make_contact(phone=NUMBER)
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"state": "archived"}})
        for id in (DEALS, "0" * 24):
            with pytest.raises(Invalid):
                await yes(bot, contact, id)
            with pytest.raises(Invalid):
                await no(bot, contact, id)
        with pytest.raises(NotFound):
            await yes(bot, person("nobody"))
        assert await events_of(store, contact.id) == []


class TestANo:
    async def test_it_needs_no_reason_and_names_the_teammate(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        contact = await make_contact(phone=NUMBER)
        assert await no(bot, contact) == "off"
        assert await no(bot, contact, ORDERS) == "off"
        assert await no(bot, contact, ORDERS) == "off"
        (event,) = await events_of(store, contact.id)
        assert (event.action, event.source, event.actor.id) == (Action.OPT_OUT, Source.PROFILE, ADA.id)
        assert event.words is None
        assert await store.deliveries.find({}, limit=9) == []

    async def test_it_takes_back_a_question_that_waits(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        await ask_twice(store)
        contact = await make_contact(phone=NUMBER)
        await yes(bot, contact)
        assert await no(bot, contact) == "off"
        await bot.inbound.receive(NUMBER, "YES", "t1")
        assert [e.action for e in await events_of(store, contact.id)] == [Action.REQUEST_CONFIRMATION, Action.OPT_OUT]

    async def test_after_a_no_only_newer_consent_can_be_written_down(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        contact = await make_contact(phone=NUMBER)
        said = await bot.ledger.record(change(contact.id, "theirs", Action.OPT_OUT))
        with pytest.raises(OwnOptOut) as refused:
            await yes(bot, contact, evidence=given(How.PAPER, timedelta(days=1)), warned_of=said.event.event)
        assert refused.value.obstacle == Obstacle.NOT_NEWER
        assert await yes(bot, contact, evidence=given(How.PAPER), warned_of=said.event.event) == "on"

    async def test_the_teammates_own_no_is_kept_too(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        """It says what the person told them."""
        contact = await make_contact(phone=NUMBER)
        await no(bot, contact, ORDERS)
        with pytest.raises(OwnOptOut):
            await yes(bot, contact, ORDERS)
        assert len(await events_of(store, contact.id)) == 1

    async def test_one_of_all_texts_covers_every_text_subscription(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        """On by default, opted in, never answered, archived and draft; neither email nor the stop list."""
        contact = await make_contact(phone=NUMBER, email="ada@example.com")
        old, draft = (
            subscription(new_id(), name=name, state=state, consent_type=ConsentType.OPT_OUT)
            for name, state in (("Old", SubscriptionState.ARCHIVED), ("Soon", SubscriptionState.DRAFT))
        )
        quiet = subscription(new_id(), name="Quiet")
        await store.subscriptions.insert_many([old, draft, quiet])
        await yes(bot, contact)
        await yes(bot, contact, NEWS)
        for _ in range(2):
            after = await bot.attestations.opt_out_of_texts(contact.id, told("all", evidence=None))
        states = {c.subscription: c.state for c in after.consents}
        off = dict.fromkeys((DEALS, ORDERS, old.id, draft.id, quiet.id), ConsentState.OPTED_OUT)
        assert states == {NEWS: ConsentState.OPTED_IN, **off}
        assert not await bot.stops.is_stopped(NUMBER)
        made = (await events_of(store, contact.id))[2:]
        assert {(e.action, e.source, e.actor.id) for e in made} == {(Action.OPT_OUT, Source.PROFILE, ADA.id)}


class Counted(CommandListener):
    """How often the database is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in {"find", "aggregate"}:
            self.asked.append(str(event.command[event.command_name]))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


async def test_it_asks_the_database_as_often_for_a_long_life_as_for_a_short_one(
    bot: Bot, mongo: EmbeddedServer, settings: Settings, make_contact: MakeContact
) -> None:
    contact, counted = await make_contact(phone=NUMBER, email="ada@example.com"), Counted()
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongo.url, tz_aware=True, event_listeners=[counted])
    there = await make_bot(settings, Store(client, "sayso_test"), "http://sayso.test")
    await there.store.keyed_numbers.prepare()
    counts = []
    for round in range(2):
        for i in range(30):
            await bot.ledger.record(change(contact.id, f"{round}-{i}"))
            await no(bot, contact, key=f"{round}-{i}")
        counted.asked.clear()
        profile, past = await there.consents.look(contact.id), await there.consents.history(contact.id)
        assert (len(profile.statuses), len(past.events)) == (3, 20)
        counts.append(sorted(counted.asked))
    client.close()
    look, history = ["contacts", "events", "stops", "subscriptions"], ["events", "subscriptions", "teammates"]
    assert counts == [sorted(look + history)] * 2


class TestHistory:
    async def test_it_is_read_backwards_page_by_page(self, bot: Bot, make_contact: MakeContact) -> None:
        contact = await make_contact(phone=NUMBER)
        for i in range(7):
            await bot.ledger.record(change(contact.id, f"k{i}"))
        page = await bot.consents.history(contact.id, limit=3)
        assert ([e.seq for e in page.events], page.next) == ([7, 6, 5], Cursor((5,)))
        page = await bot.consents.history(contact.id, before=Cursor((4,)), limit=3)
        assert ([e.seq for e in page.events], page.next) == ([3, 2, 1], None)
        assert page.subscriptions[DEALS].name == "Deals and new roasts"

    async def test_who_was_removed_keeps_their_name(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await bot.teammates.add("ada@shop.example", TeammateRole.ADMIN, "a long password", name="Ada")
        ben = await bot.teammates.add("ben@shop.example", TeammateRole.ADMIN, "a long password", name="Ben")
        contact = await make_contact(phone=NUMBER)
        for i, mate in enumerate((ada, ben)):
            await no(bot, contact, ORDERS, key=new_id(), by=By(mate.id, mate.name))
            await yes(
                bot,
                contact,
                ORDERS,
                key=f"{i}",
                by=By(mate.id, mate.name),
                warned_of=await warned(bot, contact, ORDERS),
            )
        await bot.teammates.remove("ben@shop.example")
        assert (await bot.consents.history(contact.id)).actors == {ada.id: "Ada", ben.id: "Ben"}
