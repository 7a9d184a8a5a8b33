"""Which sender a text comes from, and when it may not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bot.app import Bot
from bot.model.country_sender import CountrySender, Registration
from bot.model.delivery import DeliveryState
from bot.model.teammate import By
from bot.outbound.senders import sender_for, sender_refusal
from bot.workspace.senders import SenderForm
from tests.outbound.carrier import Carrier, through
from tests.people import NUMBER, change, person

ADA = By("ada", "Ada")
NAME = "HARBOR"


def _sender(country: str = "US", sender: str = NAME, state: Registration = Registration.NOT_NEEDED) -> CountrySender:
    return CountrySender(country=country, sender=sender, registration=state)


@pytest.mark.parametrize("sender", ["+12015550123", "72345", "HARBOR", "Harbor 24", "3Mobile"])
def test_a_sender_is_a_number_a_short_code_or_a_name(sender: str) -> None:
    assert _sender(sender=sender).can_receive is not any(letter.isalpha() for letter in sender)


@pytest.mark.parametrize("sender", ["", "+1", "123", "1234567", "AB", "HARBOR-X", "TWELVELETTERS", "+1201x5550123"])
def test_anything_else_is_none(sender: str) -> None:
    with pytest.raises(ValidationError):
        _sender(sender=sender)


def test_a_number_has_the_sender_of_its_country() -> None:
    senders = [_sender("GB"), _sender("US", "72345")]
    assert (found := sender_for(NUMBER, senders))
    assert found.sender == "72345"
    assert sender_for("+4917612345678", senders) is None


@pytest.mark.parametrize("country", ["AU", "IE", "SG"])
@pytest.mark.parametrize("state", Registration)
def test_some_countries_take_only_registered_names(country: str, state: Registration) -> None:
    refusal = sender_refusal(_sender(country, state=state), has_link=True)
    assert refusal == (None if state is Registration.REGISTERED else "sender_not_registered")
    assert sender_refusal(_sender(country, "+61491570156", state), has_link=False) is None


def test_a_sender_that_cannot_receive_needs_a_link_in_the_text() -> None:
    assert sender_refusal(_sender("GB"), has_link=False) == "sender_cannot_receive"
    assert sender_refusal(_sender("GB"), has_link=True) is None
    assert sender_refusal(None, has_link=False) is None


async def test_a_confirmation_comes_from_the_sender_and_an_answer_from_the_number_that_was_texted(bot: Bot) -> None:
    await bot.senders.save(SenderForm(country="US", sender=NAME), ADA)
    ada = person(phone=NUMBER)
    await bot.store.contacts.insert(ada)
    await bot.deliveries.queue_for([(await bot.ledger.record(change(ada.id, "k"))).event])
    await bot.deliveries.reply(NUMBER, "help", None, "t1")
    provider = Carrier()
    await through(bot, provider).send_some()
    assert sorted((text.id.partition(":")[0], text.sender) for text in provider.handed) == [
        ("confirmation", NAME),
        ("reply", None),
    ]


async def test_a_text_from_a_name_that_is_not_registered_is_not_sent(bot: Bot) -> None:
    await bot.store.workspaces.change({"countries": ["US", "AU"]})
    await bot.senders.save(SenderForm(country="AU", sender=NAME, registration=Registration.PENDING), ADA)
    ada = person(phone="+61491570156")
    await bot.store.contacts.insert(ada)
    await bot.deliveries.queue_for([(await bot.ledger.record(change(ada.id, "k", number=ada.phone))).event])
    provider = Carrier()
    await through(bot, provider).send_some()
    (delivery,) = await bot.store.deliveries.find({}, limit=2)
    assert (provider.handed, delivery.state, delivery.reason) == ([], DeliveryState.BLOCKED, "sender_not_registered")


async def test_a_country_has_one_sender_and_it_can_be_removed(bot: Bot) -> None:
    for sender in ("+1 (201) 555-0100", "72345"):
        await bot.senders.save(SenderForm(country="US", sender=sender), ADA)
    await bot.senders.save(SenderForm(country="GB", sender=NAME, reference="REF-1"), ADA)
    assert [(s.country, s.sender) for s in (await bot.workspace()).senders] == [("US", "72345"), ("GB", NAME)]
    await bot.senders.remove("US", ADA)
    assert [s.country for s in (await bot.workspace()).senders] == ["GB"]
