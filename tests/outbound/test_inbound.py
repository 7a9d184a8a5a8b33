"""Texts that come in: done first, answered once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bot.app import Bot
from bot.compliance.revocation import policy_at
from bot.consent.ledger import Ledger
from bot.demo import DEALS
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.delivery import DeliveryState
from bot.model.event import Action
from bot.outbound.kinds.confirmation import confirmation
from bot.store import Store
from tests.outbound.test_keyword_sign_ups import ADA, POSTER
from tests.people import ANOTHER, NUMBER, change, subscription, wording, workspace

MakeContact = Callable[..., Awaitable[Contact]]


@pytest.fixture
async def ada(store: Store, make_contact: MakeContact) -> Contact:
    """She said yes, and got her text for it long ago."""
    contact = await make_contact()
    await Ledger(store).record(change(contact.id, "k"))
    return contact


async def _texts(bot: Bot, number: str = NUMBER) -> list[str]:
    await bot.consumers.drain()
    while await bot.sender.send_some():
        pass
    return [text.body for text in await bot.phone.texts(number) if text.incoming]


async def test_a_stop_is_answered_once_then_nothing_is_sent(bot: Bot, ada: Contact) -> None:
    await bot.receive(NUMBER, "STOP", "t1")
    said = "Harbor Coffee: You are unsubscribed and will receive no more messages. Reply START to allow texts again."
    assert await _texts(bot) == [said]
    for text_id in ("t1", "t2", "t3"):
        await bot.receive(NUMBER, "STOP", text_id)
    before = await bot.ledger.record(change(ada.id, "again", Action.CAPTURE_PHONE, subscription=None))
    event = before.event.model_copy(update={"action": Action.OPT_IN, "subscription": DEALS})
    await bot.deliveries.queue_for([event])  # as a yes from before the STOP
    assert await _texts(bot) == [said]
    found = await bot.store.deliveries.get(f"confirmation:{event.event}")
    assert found
    assert (found.state, found.reason) == (DeliveryState.BLOCKED, "stopped")


@pytest.mark.parametrize(
    "text", ["Please stop texting me", "S T O P", "sotp", "🛑", "Bitte keine SMS mehr", "wrong number"]
)
async def test_a_revocation_in_other_words_stops_too(bot: Bot, ada: Contact, text: str) -> None:
    await bot.receive(NUMBER, text, "t1")
    assert await bot.stops.is_stopped(NUMBER)
    (said,) = await _texts(bot)
    assert "unsubscribed" in said
    stop = (await bot.stops.of([NUMBER]))[NUMBER]
    assert stop.newest
    assert stop.newest.rule
    assert stop.newest.policy == policy_at(stop.at).version
    contact = await bot.ledger.contact(ada.id)
    consent = contact.consent(DEALS) if contact else None
    assert consent
    assert consent.state is ConsentState.OPTED_OUT


class TestAlwaysAnswered:
    """Law 13: what strangers cause with a number keeps back no answer to its owner."""

    @pytest.fixture
    async def flooded(self, bot: Bot, make_contact: MakeContact) -> None:
        """Strangers typed the number into our forms until nothing more of that kind is sent to it."""
        for i in range(6):
            stranger = await make_contact(phone=NUMBER)
            await bot.deliveries.queue_for([(await bot.ledger.record(change(stranger.id, f"k{i}"))).event])
        assert len(await _texts(bot)) == 3

    @pytest.mark.usefixtures("flooded")
    async def test_stop_start_help_and_info(self, bot: Bot) -> None:
        for i, word in enumerate(("STOP", "START", "HELP", "INFO")):
            await bot.receive(NUMBER, word, f"t{i}")
            await _texts(bot)
        stopped, started, *help = (await _texts(bot))[3:]
        assert "unsubscribed" in stopped
        assert "receive texts at this number again" in started
        assert [text.startswith("Harbor Coffee: Help at") for text in help] == [True, True]

    @pytest.mark.usefixtures("flooded")
    async def test_a_yes(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
        maya = await make_contact()
        event = (await bot.ledger.record(change(maya.id, "q", Action.REQUEST_CONFIRMATION))).event
        await bot.deliveries.queue_for([event])
        assert len(await _texts(bot)) == 3, "a stranger could have typed it"
        await store.deliveries.update({"event": event.event}, {"$set": {"state": DeliveryState.SENT}})
        await bot.receive(NUMBER, "YES", "t1")
        assert (await _texts(bot))[-1].startswith("Harbor Coffee: You are now subscribed to Deals")

    @pytest.mark.usefixtures("flooded")
    async def test_the_question_that_answers_a_keyword(self, bot: Bot, store: Store) -> None:
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
        for stranger in await store.contacts.with_number(NUMBER, after="", limit=9):
            await bot.ledger.record(change(stranger.id, "out", Action.OPT_OUT))
        await bot.keywords.create("Beans", POSTER, ADA, wording())
        await bot.receive(NUMBER, "BEANS", "t1")
        assert (await _texts(bot))[-1].startswith("Harbor Coffee: Reply YES to get")
        await bot.receive(NUMBER, "YES", "t2")
        assert (await _texts(bot))[-1].startswith("Harbor Coffee: You are now subscribed")

    async def test_help_while_stopped(self, bot: Bot) -> None:
        await bot.receive(NUMBER, "STOP", "t1")
        await bot.receive(NUMBER, "HELP", "t2")
        assert [text.split()[2] for text in await _texts(bot)] == ["You", "Help"]

    async def test_answers_keep_no_word_about_a_sign_up_back(self, bot: Bot, make_contact: MakeContact) -> None:
        for i in range(8):
            await bot.receive(NUMBER, "HELP", f"t{i}")
        assert len(await _texts(bot)) == 8
        ada = await make_contact()
        await bot.deliveries.queue_for([(await bot.ledger.record(change(ada.id, "k"))).event])
        assert "now subscribed" in (await _texts(bot))[-1]

    async def test_two_machines_that_answer_each_other_fall_silent(
        self, bot: Bot, ada: Contact, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        for i in range(14):
            await bot.receive(NUMBER, "HELP", f"t{i}")
            await bot.sender.send_some()
        assert len(await _texts(bot)) == 10
        assert caplog.text.count("loop_guard") == 4
        assert NUMBER not in caplog.text
        await bot.receive(ANOTHER, "HELP", "other")
        assert len(await _texts(bot, ANOTHER)) == 1, "other numbers are answered"
        await bot.receive(NUMBER, "STOP", "stop")
        assert len(await _texts(bot)) == 10
        assert await bot.stops.is_stopped(NUMBER), "a STOP always takes effect"
        contact = await bot.ledger.contact(ada.id)
        consent = contact.consent(DEALS) if contact else None
        assert consent
        assert consent.state is ConsentState.OPTED_OUT
        await store.deliveries.collection.update_many({}, {"$set": {"created_at": now() - timedelta(hours=2)}})
        await bot.receive(NUMBER, "HELP", "later")
        assert len(await _texts(bot)) == 11


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
    assert said.startswith("Harbor Coffee: You can receive texts at this number again. Manage your preferences: http")
    contact = await bot.ledger.contact(ada.id)
    consent = contact.consent(DEALS) if contact else None
    assert consent
    assert consent.state is ConsentState.OPTED_OUT


async def test_after_a_start_no_text_says_that_they_are_unsubscribed(bot: Bot, ada: Contact, store: Store) -> None:
    await bot.receive(NUMBER, "STOP", "t1")
    await bot.receive(NUMBER, "START", "t2")
    (said,) = await _texts(bot)
    assert "receive texts at this number again" in said
    answer = await store.deliveries.get("reply:t1")
    assert answer
    assert (answer.state, answer.reason) == (DeliveryState.BLOCKED, "not_stopped")


async def test_start_from_a_number_that_nobody_has_carries_no_link(bot: Bot) -> None:
    await bot.receive(ANOTHER, "START", "t1")
    assert await _texts(bot, ANOTHER) == ["Harbor Coffee: You can receive texts at this number again."]


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
        said = confirmation(workspace(frequency="Up to 4 msgs/month."), own, "en", "https://s.test/p/x")
        assert said == "Harbor Coffee: welcome to Deals, Up to 4 msgs/month. Choices: https://s.test/p/x"

    def test_the_way_to_the_preference_center_is_never_left_out(self) -> None:
        said = confirmation(workspace(), subscription(confirmation="Welcome!"), "en", "https://s.test/p/x")
        assert said == "Welcome! https://s.test/p/x"

    def test_a_translation_has_its_own(self) -> None:
        both = subscription(
            confirmation="Welcome!", translations={"es": {"name": "Ofertas", "confirmation": "¡Bienvenida!"}}
        )
        assert confirmation(workspace(), both, "es", "L") == "¡Bienvenida! L"
