"""STOP beats everything: the number, whoever has it, until the number itself says START."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.app import Bot
from bot.consent.permission import permission
from bot.demo import DEALS, NEWS, ORDERS
from bot.errors import StoreUnavailable
from bot.model.contact import ConsentState, Contact
from bot.model.event import Action, Source
from bot.model.subscription import ConsentType, MessageType, SubscriptionState
from bot.store import Store
from tests.people import ANOTHER, NUMBER, change, events_of, subscription

MakeContact = Callable[..., Awaitable[Contact]]


@pytest.fixture
async def ada(bot: Bot, make_contact: MakeContact) -> Contact:
    """She gets deals by text and letters by email; order updates by default."""
    contact = await make_contact(email="ada@example.com")
    await bot.ledger.record(change(contact.id, "deals"))
    await bot.ledger.record(change(contact.id, "news", subscription=NEWS, number=None, email="ada@example.com"))
    return contact


async def _states(bot: Bot, contact: Contact) -> dict[str, ConsentState]:
    found = await bot.ledger.contact(contact.id)
    assert found
    return {c.subscription: c.state for c in found.consents}


async def test_stop_turns_off_every_text_and_nothing_else(bot: Bot, ada: Contact, store: Store) -> None:
    assert await bot.stops.stop(NUMBER, "Stop.", "t1")
    assert await bot.stops.is_stopped(NUMBER)
    assert await _states(bot, ada) == {
        DEALS: ConsentState.OPTED_OUT,
        ORDERS: ConsentState.OPTED_OUT,
        NEWS: ConsentState.OPTED_IN,
    }
    for event in (await events_of(store, ada.id))[2:]:
        assert (event.action, event.source, event.number) == (Action.OPT_OUT, Source.KEYWORD, NUMBER)
        assert event.words.act == 'texted "Stop."'


async def test_it_holds_for_everyone_who_has_the_number(bot: Bot, ada: Contact, make_contact: MakeContact) -> None:
    others = [await make_contact() for _ in range(3)]
    stranger = await make_contact()
    for other in others:
        await bot.ledger.record(change(other.id, "k"))
    await bot.ledger.record(change(stranger.id, "k", number=ANOTHER))
    await bot.stops.stop(NUMBER, "STOP", "t1")
    for other in (ada, *others):
        assert (await _states(bot, other))[DEALS] is ConsentState.OPTED_OUT
    assert (await _states(bot, stranger))[DEALS] is ConsentState.OPTED_IN
    assert not await bot.stops.is_stopped(ANOTHER)


async def test_it_holds_where_nobody_has_the_number(bot: Bot) -> None:
    assert await bot.stops.stop(ANOTHER, "STOP", "t1")
    assert await bot.stops.among([NUMBER, ANOTHER]) == {ANOTHER}


async def test_a_yes_to_an_archived_subscription_is_taken_back_too(bot: Bot, ada: Contact, store: Store) -> None:
    """It would be good again when the subscription is restored, after a START."""
    await store.subscriptions.update({"_id": DEALS}, {"$set": {"state": SubscriptionState.ARCHIVED}})
    await bot.stops.stop(NUMBER, "STOP", "t1")
    assert (await _states(bot, ada))[DEALS] is ConsentState.OPTED_OUT


async def test_the_same_text_again_changes_nothing_also_after_a_start(bot: Bot, ada: Contact, store: Store) -> None:
    results = await asyncio.gather(*(bot.stops.stop(NUMBER, "STOP", "t1") for _ in range(5)))
    assert results == [True] * 5
    assert len(await events_of(store, ada.id)) == 4
    await bot.stops.lift(NUMBER)
    await bot.ledger.record(change(ada.id, "again"))
    await bot.stops.stop(NUMBER, "STOP", "t1")
    assert not await bot.stops.is_stopped(NUMBER)
    assert (await _states(bot, ada))[DEALS] is ConsentState.OPTED_IN


async def test_a_second_stop_is_heard_but_did_not_stop_the_number(bot: Bot, ada: Contact) -> None:
    """So that it is not answered again."""
    assert await bot.stops.stop(NUMBER, "STOP", "t1")
    assert not await bot.stops.stop(NUMBER, "stop!!", "t2")
    await bot.stops.lift(NUMBER)
    assert await bot.stops.stop(NUMBER, "STOP", "t3")
    assert await bot.stops.is_stopped(NUMBER)


async def test_start_lifts_it_and_says_yes_to_nothing(bot: Bot, ada: Contact) -> None:
    await bot.stops.stop(NUMBER, "STOP", "t1")
    await bot.stops.lift(NUMBER)
    assert not await bot.stops.is_stopped(NUMBER)
    assert (await _states(bot, ada))[DEALS] is ConsentState.OPTED_OUT


async def test_a_stop_that_could_not_be_kept_is_told_and_asked_again(
    bot: Bot, ada: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> list[Any]:
        return [StoreUnavailable()]

    with monkeypatch.context() as patch:
        patch.setattr(bot.ledger, "record_many", away)
        with pytest.raises(StoreUnavailable):
            await bot.stops.stop(NUMBER, "STOP", "t1")
    assert await bot.stops.is_stopped(NUMBER), "the list comes first"
    await bot.stops.stop(NUMBER, "STOP", "t1")
    assert (await _states(bot, ada))[DEALS] is ConsentState.OPTED_OUT


async def test_more_people_than_a_page_are_all_found(bot: Bot, store: Store, make_contact: MakeContact) -> None:
    people = [await make_contact(phone=NUMBER) for _ in range(230)]
    await bot.stops.stop(NUMBER, "STOP", "t1")
    states = [await _states(bot, person) for person in people]
    assert all(state[ORDERS] is ConsentState.OPTED_OUT for state in states)


@pytest.mark.parametrize("consent_type", list(ConsentType))
def test_nothing_is_permitted_while_it_holds(consent_type: ConsentType) -> None:
    answer = permission(
        subscription(consent_type=consent_type, message_type=MessageType.SMS), None, NUMBER, stopped=True
    )
    assert (answer.allowed, answer.reason) == (False, "stopped")
