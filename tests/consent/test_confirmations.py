"""Double opt-in: a yes that counts when the number has answered, and not before."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bot.app import Bot
from bot.chat.card_state import CardViewState
from bot.chat.card_submission import Submitted
from bot.compliance.revocation import policy_at
from bot.consent.counts import CountKeeper
from bot.consent.projection import PENDING_FOR
from bot.consent.verify import verify
from bot.demo import DEALS
from bot.errors import SavedNumberLocked
from bot.model.base import new_id, now
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.conversation import Card, Part
from bot.model.conversation_event import ConversationEvent
from bot.model.delivery import DeliveryKind, DeliveryState
from bot.model.event import Action, Actor, Evidence, How, Source
from bot.model.stop import Stop
from bot.store import Store
from tests.people import (
    ANOTHER,
    NUMBER,
    answer_to,
    answered,
    asked,
    card,
    change,
    events_of,
    look_again,
    no_consumers,
    version_of,
)

MakeContact = Callable[..., Awaitable[Contact]]


@pytest.fixture
async def ada(bot: Bot, store: Store, make_contact: MakeContact) -> Contact:
    """The deals ask for a confirmation."""
    await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
    return await make_contact()


@pytest.fixture
async def waiting(bot: Bot, ada: Contact) -> Submitted:
    """Ada pressed the button; the question is on her phone."""
    part = await asked(bot, ada, card(flow="greeting", flow_version=3))
    submitted = await bot.cards.submit(part, ada, await bot.workspace(), await answer_to(bot, part, ada))
    await bot.consumers.drain()
    await bot.sender.send_some()
    return submitted


async def _consent(bot: Bot, contact: Contact) -> Consent:
    found = await bot.ledger.contact(contact.id)
    consent = found.consent(DEALS) if found else None
    assert consent
    return consent


async def _shown(bot: Bot, part: Part, contact: Contact) -> CardViewState:
    again, person = await bot.store.parts.get(part.id), await bot.ledger.contact(contact.id)
    assert again
    assert person
    return (await bot.cards.view(again, person, await bot.workspace())).state


async def _texts(bot: Bot, number: str = NUMBER) -> list[str]:
    return [text.body for text in await bot.phone.texts(number) if text.incoming]


async def _entries(store: Store, part: Part) -> list[str]:
    parts = await store.parts.after(part.conversation, part.seq, limit=20)
    return [p.content.name for p in parts if isinstance(p.content, ConversationEvent)]


class TestAsking:
    async def test_a_yes_in_a_card_waits_and_is_no_permission(self, bot: Bot, waiting: Submitted, ada: Contact) -> None:
        consent = await _consent(bot, ada)
        assert (consent.state, consent.number) == (ConsentState.PENDING, NUMBER)
        assert waiting.event.action is Action.REQUEST_CONFIRMATION
        assert await _shown(bot, waiting.part, ada) is CardViewState.PENDING

    async def test_the_question_says_who_what_and_how_often_and_nothing_is_confirmed(
        self, bot: Bot, store: Store, waiting: Submitted
    ) -> None:
        assert await _texts(bot) == [
            "Harbor Coffee: Reply YES to get Deals and new roasts texts (Up to 4 msgs/month). Msg & data rates may "
            "apply. HELP for help, STOP to cancel."
        ]
        assert await _entries(store, waiting.part) == ["asked"]

    async def test_the_number_is_not_saved_before(self, bot: Bot, waiting: Submitted, ada: Contact) -> None:
        """A typing error must not be locked."""
        person = await bot.ledger.contact(ada.id)
        assert person
        assert person.phone is None
        part = await asked(bot, person, key="second")
        answer = await answer_to(bot, part, person, address="(201) 555-0124")
        again = await bot.cards.submit(part, person, await bot.workspace(), answer)
        assert again.event.number == ANOTHER

    @pytest.mark.parametrize("why", ["stopped", "confirmed", "refused"])
    async def test_the_question_is_not_sent_when_its_time_has_gone(
        self, bot: Bot, ada: Contact, store: Store, why: str
    ) -> None:
        submitted = await answered(bot, ada)
        await bot.deliveries.queue_for([submitted.event])
        if why == "stopped":
            await store.stops.insert(Stop(id=NUMBER, at=now(), text="STOP"))
        else:
            action = Action.CONFIRM if why == "confirmed" else Action.OPT_OUT
            await bot.ledger.record(change(ada.id, "x", action, source=Source.SYSTEM))
        await bot.sender.send_some()
        assert await _texts(bot) == []
        (delivery,) = await store.deliveries.find({}, limit=2)
        assert (delivery.state, delivery.reason) == (
            DeliveryState.BLOCKED,
            "stopped" if why == "stopped" else "not_asked_any_more",
        )

    async def test_nobody_is_flooded_with_questions(self, bot: Bot, ada: Contact, store: Store) -> None:
        for i in range(6):
            submitted = await answered(bot, ada, key=f"card-{i}")
            await bot.deliveries.queue_for([submitted.event])
            await bot.sender.send_some()
        assert len(await _texts(bot)) == 3


class TestNo:
    async def test_it_is_recorded_as_a_refusal_in_their_words(
        self, bot: Bot, waiting: Submitted, ada: Contact, store: Store
    ) -> None:
        for text_id in ("t1", "t1", "t2"):  # delivered twice, and texted again
            await bot.receive(NUMBER, "No, thanks!", text_id)
        consent, event = await _consent(bot, ada), (await events_of(store, ada.id))[-1]
        assert (consent.state, event.action, event.source) == (ConsentState.OPTED_OUT, Action.REFUSE, Source.KEYWORD)
        assert event.words
        assert event.words.act == 'texted "No, thanks!"'
        assert "Reply YES to get Deals and new roasts texts" in event.words.legal_text
        assert event.policy == policy_at(event.at).version
        assert not await bot.stops.is_stopped(NUMBER), "it is about this subscription alone"
        await bot.sender.send_some()
        assert len(await _texts(bot)) == 1, "a NO is not answered"

    async def test_a_yes_after_it_confirms_nothing(self, bot: Bot, waiting: Submitted, ada: Contact) -> None:
        await bot.receive(NUMBER, "no", "t1")
        await bot.receive(NUMBER, "yes", "t2")
        assert (await _consent(bot, ada)).state is ConsentState.OPTED_OUT

    async def test_without_a_question_it_is_a_message(self, bot: Bot, ada: Contact, store: Store) -> None:
        await bot.receive(ANOTHER, "no", "t1")
        (conversation,) = await store.conversations.find({"number": ANOTHER}, limit=2)
        assert conversation.preview == "no"


class TestYes:
    async def test_yes_please_confirms_too(self, bot: Bot, waiting: Submitted, ada: Contact) -> None:
        await bot.receive(NUMBER, "Yes please", "t1")
        assert (await _consent(bot, ada)).state is ConsentState.OPTED_IN

    async def test_it_counts_and_the_card_the_flow_and_the_phone_hear_of_it(
        self, bot: Bot, waiting: Submitted, ada: Contact, store: Store
    ) -> None:
        async with bot.running():
            await bot.receive(NUMBER, "Yes!", "t1")
            consent = await _consent(bot, ada)
            assert (consent.state, consent.was, consent.source) == (
                ConsentState.OPTED_IN,
                ConsentState.PENDING,
                Source.KEYWORD,
            )
            assert await _shown(bot, waiting.part, ada) is CardViewState.COMPLETED
        await bot.sender.send_some()
        assert await _entries(store, waiting.part) == ["asked", "signed_up"]
        first, second = await _texts(bot)
        assert "Reply YES" in first
        assert "You are now subscribed to Deals and new roasts" in second
        person = await bot.ledger.contact(ada.id)
        assert person
        assert person.phone == NUMBER

    async def test_the_event_holds_the_question_and_the_answer_word_for_word(
        self, bot: Bot, waiting: Submitted, ada: Contact, store: Store
    ) -> None:
        await bot.receive(NUMBER, "Yes!", "t1")
        event = (await events_of(store, ada.id))[-1]
        assert event.action is Action.CONFIRM
        assert (event.flow, event.flow_version) == (waiting.event.flow, waiting.event.flow_version) == ("greeting", 3)
        assert event.words.act == 'texted "Yes!"'
        assert event.words.legal_text == (await _texts(bot))[0]
        assert event.context.part == waiting.part.id

    async def test_it_names_what_was_shown_though_it_was_renamed_since(
        self, bot: Bot, waiting: Submitted, ada: Contact, store: Store
    ) -> None:
        renamed = {"name": "News", "description": "Everything", "version": 2}
        await store.subscriptions.update({"_id": DEALS}, {"$set": renamed})
        await bot.receive(NUMBER, "YES", "t1")
        asked_for, confirmed = (event.words for event in await events_of(store, ada.id))
        for name in ("subscription_name", "subscription_description", "subscription_version", "locale"):
            assert getattr(confirmed, name) == getattr(asked_for, name)

    async def test_asked_by_a_teammate_it_names_what_the_question_named(
        self, bot: Bot, ada: Contact, store: Store
    ) -> None:
        """Nobody was shown a description."""
        evidence, by = Evidence(how=How.SPOKEN, given_at=now()), Actor(kind="teammate", id="t")
        asks = change(ada.id, "k", Action.REQUEST_CONFIRMATION, source=Source.PROFILE, actor=by, evidence=evidence)
        await bot.ledger.record(asks)
        await bot.consumers.drain()
        await bot.sender.send_some()
        old = await store.subscriptions.get(DEALS)
        assert old
        await store.subscription_versions.insert(version_of(old))
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"name": "News", "version": 2}})
        await bot.receive(NUMBER, "YES", "t1")
        words = (await events_of(store, ada.id))[-1].words
        assert (words.subscription_name, words.subscription_description) == (old.name, "")
        assert old.name in words.legal_text

    async def test_the_same_yes_many_times_is_one_event(
        self, bot: Bot, waiting: Submitted, ada: Contact, store: Store
    ) -> None:
        await asyncio.gather(*(bot.receive(NUMBER, "YES", f"t{i % 3}") for i in range(12)))
        assert [e.action for e in await events_of(store, ada.id)] == [Action.REQUEST_CONFIRMATION, Action.CONFIRM]
        assert (await verify(store, repair=False)).is_whole

    async def test_it_must_come_from_the_number_that_was_asked(
        self, bot: Bot, waiting: Submitted, ada: Contact
    ) -> None:
        await bot.receive(ANOTHER, "YES", "t1")
        assert (await _consent(bot, ada)).state is ConsentState.PENDING

    @pytest.mark.parametrize("said", [Action.OPT_OUT, Action.EXPIRE])
    async def test_it_says_nothing_after_the_question_was_taken_back(
        self, bot: Bot, waiting: Submitted, ada: Contact, said: Action
    ) -> None:
        await bot.ledger.record(change(ada.id, "later", said))
        before = await _consent(bot, ada)
        await bot.receive(NUMBER, "YES", "t1")
        assert await _consent(bot, ada) == before

    async def test_an_old_yes_that_comes_again_does_not_undo_a_later_no(
        self, bot: Bot, waiting: Submitted, ada: Contact
    ) -> None:
        await bot.receive(NUMBER, "YES", "t1")
        await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT))
        await bot.receive(NUMBER, "YES", "t1")
        assert (await _consent(bot, ada)).state is ConsentState.OPTED_OUT

    async def test_it_replaces_no_number_that_was_saved_meanwhile(
        self, bot: Bot, waiting: Submitted, ada: Contact, store: Store
    ) -> None:
        """Law 5. The card offers the saved number, and the text is a message to the team."""
        await bot.ledger.record(change(ada.id, "n", Action.CAPTURE_PHONE, subscription=None, number=ANOTHER))
        assert await _shown(bot, waiting.part, ada) is CardViewState.SAVED
        await bot.receive(NUMBER, "YES", "t1")
        person = await bot.ledger.contact(ada.id)
        assert person
        assert (person.phone, (await _consent(bot, ada)).state) == (ANOTHER, ConsentState.PENDING)
        with pytest.raises(SavedNumberLocked):
            await bot.ledger.record(change(ada.id, "x", Action.CONFIRM, source=Source.KEYWORD))

    async def test_it_answers_no_question_from_before_a_stop(
        self, bot: Bot, waiting: Submitted, ada: Contact, store: Store
    ) -> None:
        """Also where the STOP missed somebody: a number can have been given in more chats than it looks for."""
        await store.stops.insert(Stop(id=NUMBER, at=now(), text="STOP", lifted_at=now() + timedelta(seconds=1)))
        await bot.receive(NUMBER, "YES", "t1")
        assert (await _consent(bot, ada)).state is ConsentState.PENDING

    async def test_it_answers_the_last_question(self, bot: Bot, waiting: Submitted, make_contact: MakeContact) -> None:
        """Two people gave the same number: the text that was sent last is the one that is answered."""
        ben = await make_contact()
        await answered(bot, ben)
        await bot.consumers.drain()
        await bot.sender.send_some()
        await bot.receive(NUMBER, "YES", "t1")
        assert (await _consent(bot, ben)).state is ConsentState.OPTED_IN

    async def test_from_a_number_that_nobody_asked_it_is_only_a_text(self, bot: Bot, store: Store) -> None:
        await bot.receive(NUMBER, "YES", "t1")
        assert {event.action for event in await store.events.find({}, limit=5)} == {Action.CAPTURE_PHONE}
        assert await store.deliveries.find({}, limit=1) == []

    async def test_what_a_crash_left_after_it_is_made_good(
        self, bot: Bot, waiting: Submitted, ada: Contact, store: Store
    ) -> None:
        """The event is there, and nothing else: no card, no text, no entry."""
        with no_consumers(bot):
            assert await bot.confirmations.confirm(NUMBER, "YES")
        card = await store.parts.get(waiting.part.id)
        assert card
        assert isinstance(card.content, Card)
        assert card.content.asked
        await look_again(bot)
        await bot.sender.send_some()
        assert await _shown(bot, waiting.part, ada) is CardViewState.COMPLETED
        assert await _entries(store, waiting.part) == ["asked", "signed_up"]
        assert len(await _texts(bot)) == 2
        await look_again(bot)
        assert await _entries(store, waiting.part) == ["asked", "signed_up"]

    async def test_a_retry_of_the_card_after_it_changes_nothing(
        self, bot: Bot, waiting: Submitted, ada: Contact, store: Store
    ) -> None:
        await bot.receive(NUMBER, "YES", "t1")
        person = await bot.ledger.contact(ada.id)
        part = await store.parts.get(waiting.part.id)
        assert person
        assert part
        answer = await answer_to(bot, part, person)
        again = await bot.cards.submit(waiting.part, person, await bot.workspace(), answer)
        assert not again.is_new
        assert (await _consent(bot, ada)).state is ConsentState.OPTED_IN
        assert await _shown(bot, waiting.part, ada) is CardViewState.COMPLETED


class TestSilence:
    async def test_it_lapses_and_can_be_asked_anew(
        self, bot: Bot, waiting: Submitted, ada: Contact, store: Store
    ) -> None:
        await bot.confirmations.lapse(now() + PENDING_FOR - timedelta(minutes=1))
        assert (await _consent(bot, ada)).state is ConsentState.PENDING
        late = now() + PENDING_FOR + timedelta(minutes=1)
        await asyncio.gather(*(bot.confirmations.lapse(late) for _ in range(3)))
        assert (await _consent(bot, ada)).state is ConsentState.NONE
        assert [e.action for e in await events_of(store, ada.id)] == [Action.REQUEST_CONFIRMATION, Action.EXPIRE]
        assert await _shown(bot, waiting.part, ada) is CardViewState.LAPSED
        assert await store.contacts.lapsed(late, limit=5) == []
        await bot.receive(NUMBER, "YES", "t1")
        assert (await _consent(bot, ada)).state is ConsentState.NONE

    async def test_a_yes_that_comes_too_late_says_nothing_though_nobody_has_swept_yet(
        self, bot: Bot, waiting: Submitted, ada: Contact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late = now() + PENDING_FOR + timedelta(minutes=1)
        monkeypatch.setattr("bot.consent.confirmations.now", lambda: late)
        await bot.receive(NUMBER, "YES", "t1")
        assert (await _consent(bot, ada)).state is ConsentState.PENDING

    async def test_many_lapse_in_turns(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        people = [await make_contact() for _ in range(20)]
        await CountKeeper(store).catch_up()
        for person in people:
            for subscription in ("a", "b"):
                await bot.ledger.record(
                    change(person.id, new_id(), Action.REQUEST_CONFIRMATION, subscription=subscription)
                )
        late = now() + PENDING_FOR + timedelta(minutes=1)
        for _ in range(2):
            await bot.confirmations.lapse(late)
        assert await store.contacts.lapsed(late, limit=50) == []
        await CountKeeper(store).catch_up()
        counts = await store.consent_counts.of(["a", "b"])
        assert [counts.get(id, Counter())[ConsentState.PENDING] for id in ("a", "b")] == [0, 0]


async def test_a_stop_takes_back_the_question_of_a_number_that_is_not_saved_yet(
    bot: Bot, waiting: Submitted, ada: Contact, store: Store
) -> None:
    await bot.receive(NUMBER, "STOP", "t1")
    assert (await _consent(bot, ada)).state is ConsentState.OPTED_OUT
    await bot.receive(NUMBER, "YES", "t2")
    assert (await _consent(bot, ada)).state is ConsentState.OPTED_OUT
    replies = await store.deliveries.find({"kind": DeliveryKind.REPLY}, limit=9)
    assert [r.answer for r in replies] == ["stopped"]
