"""Texts that come in: done first, answered once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bot.app import Bot
from bot.demo import DEALS
from bot.model.contact import ConsentState, Contact
from bot.model.delivery import DeliveryState
from bot.outbound import words
from bot.store import Store
from tests.people import ANOTHER, NUMBER, change, subscription, workspace

MakeContact = Callable[..., Awaitable[Contact]]


@pytest.fixture
async def ada(bot: Bot, make_contact: MakeContact) -> Contact:
    contact = await make_contact()
    await bot.ledger.record(change(contact.id, "k"))
    return contact


async def _texts(bot: Bot, number: str = NUMBER) -> list[str]:
    while await bot.deliveries.send_some():
        pass
    return [text.body for text in await bot.store.phone_texts.of(number) if text.incoming]


async def test_a_stop_is_answered_once_then_nothing_is_sent(bot: Bot, ada: Contact) -> None:
    await bot.receive(NUMBER, "STOP", "t1")
    said = "Harbor Coffee: You are unsubscribed and will get no more messages. Reply START to allow them again."
    assert await _texts(bot) == [said]
    for text_id in ("t1", "t2", "t3"):
        await bot.receive(NUMBER, "STOP", text_id)
    event = (await bot.ledger.record(change(ada.id, "again"))).event
    await bot.deliveries.follow(event)
    assert await _texts(bot) == [said]
    found = await bot.store.deliveries.get(f"confirmation:{event.event}")
    assert found
    assert (found.state, found.reason) == (DeliveryState.BLOCKED, "stopped")


async def test_that_a_stop_was_heard_is_said_whatever_was_sent_before(bot: Bot, ada: Contact) -> None:
    for i in range(5):
        await bot.receive(NUMBER, "HELP", f"h{i}")
    assert len(await _texts(bot)) == 3, "nobody is flooded with help"
    await bot.receive(NUMBER, "STOP", "t1")
    assert (await _texts(bot))[-1].startswith("Harbor Coffee: You are unsubscribed")


@pytest.mark.parametrize("number", [NUMBER, ANOTHER])
async def test_help_is_answered_for_anyone(bot: Bot, ada: Contact, number: str) -> None:
    await bot.store.phone_texts.collection.delete_many({})
    await bot.receive(number, "help", "t1")
    assert await _texts(bot, number) == [
        "Harbor Coffee: Help at hello@harborcoffee.example. Up to 4 msgs/month. Msg & data rates may apply. "
        "Reply STOP to cancel."
    ]


async def test_start_lifts_the_stop_and_leads_to_the_choices(bot: Bot, ada: Contact) -> None:
    await bot.receive(NUMBER, "STOP", "t1")
    await _texts(bot)
    await bot.receive(NUMBER, "START", "t2")
    said = (await _texts(bot))[-1]
    assert said.startswith("Harbor Coffee: Texts to this number are allowed again. Choose what you get: http")
    contact = await bot.ledger.contact(ada.id)
    consent = contact.consent(DEALS) if contact else None
    assert consent
    assert consent.state is ConsentState.OPTED_OUT


async def test_start_from_a_number_that_nobody_has_carries_no_link(bot: Bot) -> None:
    await bot.receive(ANOTHER, "START", "t1")
    assert await _texts(bot, ANOTHER) == ["Harbor Coffee: Texts to this number are allowed again."]


async def test_other_words_are_answered_by_nobody_but_people(bot: Bot, ada: Contact, store: Store) -> None:
    await bot.receive(NUMBER, "Is the Sidamo back?", "t1")
    assert await store.deliveries.find({}, limit=1) == []
    assert len(await store.events.after(ada.id, 0, limit=9)) == 1


async def test_it_is_answered_in_the_language_of_who_has_the_number(bot: Bot, ada: Contact, store: Store) -> None:
    await store.contacts.update({"_id": ada.id}, {"$set": {"locale": "de"}})
    await bot.receive(NUMBER, "STOP", "t1")
    (delivery,) = await store.deliveries.find({}, limit=2)
    assert delivery.locale == "de"


class TestOwnWords:
    def test_places_are_filled(self) -> None:
        own = subscription(confirmation="{brand}: welcome to {program}, {frequency}. Choices: {link}")
        said = words.confirmation(workspace(frequency="Up to 4 msgs/month."), own, "en", "https://s.test/p/x")
        assert said == "Harbor Coffee: welcome to Deals, Up to 4 msgs/month. Choices: https://s.test/p/x"

    def test_the_way_to_the_preference_center_is_never_left_out(self) -> None:
        said = words.confirmation(workspace(), subscription(confirmation="Welcome!"), "en", "https://s.test/p/x")
        assert said == "Welcome! https://s.test/p/x"

    def test_a_translation_has_its_own(self) -> None:
        both = subscription(
            confirmation="Welcome!", translations={"es": {"name": "Ofertas", "confirmation": "¡Bienvenida!"}}
        )
        assert words.confirmation(workspace(), both, "es", "L") == "¡Bienvenida! L"
