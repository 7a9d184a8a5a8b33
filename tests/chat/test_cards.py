"""Cards, offered and answered: the saved number, the words, once, and nothing recorded that was refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.app import Bot, make_bot
from bot.chat.card_answer import counts
from bot.chat.card_state import CardViewState
from bot.chat.card_submission import Submitted
from bot.config import Settings
from bot.consent.numbers import read_email
from bot.demo import DEALS, NEWS
from bot.errors import (
    CardClosed,
    EmailRefused,
    NotFound,
    NumberRefused,
    NumberStopped,
    SavedNumberLocked,
    SaysoError,
    WordsChanged,
)
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import Card, CardState, Part
from bot.model.conversation_event import ConversationEvent
from bot.model.event import Action, Actor, Evidence, Grade, How, Source
from bot.model.stop import Stop
from bot.model.subscription import SubscriptionState
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.people import (
    ANOTHER,
    AT,
    HERE,
    NUMBER,
    TEAMMATE,
    answer_to,
    answered,
    asked,
    card,
    change,
    events_of,
    second_process,
)

MakeContact = Callable[..., Awaitable[Contact]]


async def _submit(bot: Bot, part: Part, contact: Contact, **values: Any) -> Any:
    answer = await answer_to(bot, part, contact, **values)
    return await bot.cards.submit(part, contact, await bot.workspace(), answer)


async def _now(bot: Bot, contact: Contact) -> Contact:
    found = await bot.ledger.contact(contact.id)
    assert found
    return found


async def _refused(bot: Bot, part: Part, contact: Contact, error: type[SaysoError], **values: Any) -> SaysoError:
    """The submit is refused, and neither ledger nor card nor contact know of it."""
    before = len(await events_of(bot.store, contact.id)), await bot.store.contacts.get(contact.id)
    card_before = await bot.store.parts.get(part.id)
    with pytest.raises(error) as refused:
        await _submit(bot, part, contact, **values)
    assert (len(await events_of(bot.store, contact.id)), await bot.store.contacts.get(contact.id)) == before
    assert await bot.store.parts.get(part.id) == card_before
    return refused.value


async def test_a_yes_is_recorded_and_completes_the_card(bot: Bot, make_contact: MakeContact) -> None:
    ada = await make_contact()
    part = await asked(bot, ada)
    submitted = await _submit(bot, part, ada)
    assert submitted.is_new
    contact = await bot.store.contacts.get(ada.id)
    assert contact
    consent = contact.consent(DEALS)
    assert consent
    assert (contact.phone, consent.state, consent.part) == (NUMBER, ConsentState.OPTED_IN, part.id)
    await bot.consumers.drain()
    stored = await bot.store.parts.get(part.id)
    assert stored
    assert stored == submitted.part
    assert isinstance(stored.content, Card)
    assert (stored.content.state, stored.content.event, stored.content.number) == (
        CardState.COMPLETED,
        submitted.event.id,
        NUMBER,
    )


class TestSavedNumber:
    """Law 5."""

    @pytest.mark.parametrize("address", [None, "(201) 555-0123", "+12015550123", " 201.555.0123 "])
    async def test_the_saved_number_is_taken(self, bot: Bot, make_contact: MakeContact, address: str | None) -> None:
        ada = await make_contact(phone=NUMBER)
        submitted = await _submit(bot, await asked(bot, ada), ada, address=address)
        assert submitted.event.number == NUMBER

    async def test_another_number_is_refused_and_recorded_nowhere(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact(phone=NUMBER)
        error = await _refused(bot, await asked(bot, ada), ada, SavedNumberLocked, address="(201) 555-0124")
        assert (error.code, bool(error.text)) == ("saved_number_locked", True)
        assert await bot.store.contacts.find_one({"phone": ANOTHER}) is None

    async def test_another_number_in_a_foreign_form_is_refused_too(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact(phone=NUMBER)
        for address in ("+44 7400 123456", "tel:+12015550124", "٢٠١٥٥٥٠١٢٤"):
            await _refused(bot, await asked(bot, ada, key=address), ada, SavedNumberLocked, address=address)

    async def test_what_is_no_number_is_refused_where_one_is_saved(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact(phone=NUMBER)
        await _refused(bot, await asked(bot, ada), ada, NumberRefused, address="hello")

    async def test_a_saved_number_that_is_none_locks_nothing(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact(phone="+1201555")
        assert (await _submit(bot, await asked(bot, ada), ada)).event.number == NUMBER

    async def test_after_a_first_yes_the_number_is_locked(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        await _submit(bot, await asked(bot, ada), ada)
        again = await _now(bot, ada)
        second = await asked(bot, again, key="second")
        await _refused(bot, second, again, SavedNumberLocked, address="(201) 555-0124")

    async def test_a_number_that_was_saved_meanwhile_is_locked(self, bot: Bot, make_contact: MakeContact) -> None:
        """The request read the contact before; the ledger knows better."""
        ada = await make_contact()
        part = await asked(bot, ada)
        await bot.ledger.record(change(ada.id, "elsewhere", Action.CAPTURE_PHONE))
        await _refused(bot, part, ada, SavedNumberLocked, address="(201) 555-0124")
        assert (await _submit(bot, part, ada)).event.number == NUMBER

    async def test_of_two_numbers_at_once_one_is_taken(
        self, bot: Bot, make_contact: MakeContact, mongo: EmbeddedServer, settings: Settings
    ) -> None:
        ada = await make_contact()
        parts = [await asked(bot, ada, key=f"card{i}") for i in range(2)]
        async with second_process(mongo) as other:
            bots = [bot, await make_bot(settings, other, "http://sayso.test")]
            answers = await asyncio.gather(
                *(_submit(bots[i], parts[i], ada, address=number) for i, number in enumerate([NUMBER, ANOTHER])),
                return_exceptions=True,
            )
        assert sorted(type(a).__name__ for a in answers) == ["SavedNumberLocked", "Submitted"]
        (event,) = await events_of(bot.store, ada.id)
        contact = await bot.store.contacts.get(ada.id)
        assert contact
        assert contact.phone == event.number


class TestNumber:
    @pytest.mark.parametrize(
        "address", [None, "", "hello", "201555", "+44 20 7946 0958", "800 555 0199", "+61412345678"]
    )
    async def test_a_number_that_cannot_be_used_is_refused(
        self, bot: Bot, make_contact: MakeContact, address: str | None
    ) -> None:
        ada = await make_contact()
        await _refused(bot, await asked(bot, ada), ada, NumberRefused, address=address)

    async def test_the_country_that_was_chosen_counts(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        submitted = await _submit(bot, await asked(bot, ada), ada, address="07400 123456", region="GB")
        assert submitted.event.number == "+447400123456"


class TestWords:
    """Law 6."""

    async def test_everything_that_was_shown_is_kept_word_for_word(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        content = card(
            title="10% <off> – ☕", button="Count me in", legal_text=" By  pressing\n[T](https://x.example) "
        )
        part = await asked(bot, ada, content)
        await _submit(bot, part, ada, context=HERE)
        (event,) = await events_of(bot.store, ada.id)
        assert event.words.model_dump() == {
            "title": "10% <off> – ☕",
            "button": "Count me in",
            "legal_text": " By  pressing\n[T](https://x.example) ",
            "subscription_name": "Deals and new roasts",
            "subscription_description": "Offers and small-batch news, up to 4 texts a month.",
            "locale": "en",
            "act": 'pressed "Count me in"',
            "box": None,
            "subscription_version": 1,
            "keyword": None,
            "keyword_version": None,
        }
        assert event.context.model_dump(exclude_none=True) == {
            "conversation": part.conversation,
            "part": part.id,
            "page": "https://shop.example/roasts",
            "ip": "192.0.2.7",
            "user_agent": "Firefox/150",
        }
        assert (event.action, event.source, event.actor.kind, event.actor.id) == (
            Action.OPT_IN,
            Source.FORM,
            "contact",
            ada.id,
        )

    async def test_the_default_button_is_kept_as_it_was_read(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        await _submit(bot, await asked(bot, ada), ada)
        (event,) = await events_of(bot.store, ada.id)
        assert (event.words.button, event.words.act) == ("Sign Up Now", 'pressed "Sign Up Now"')

    async def test_place_and_part_are_ours_not_the_request_s(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        part = await asked(bot, ada)
        forged = HERE.model_copy(update={"conversation": "another", "part": "another:0000000001"})
        event = (await _submit(bot, part, ada, context=forged)).event
        assert (event.context.conversation, event.context.part) == (part.conversation, part.id)

    @pytest.mark.parametrize("field", ["title", "button", "legal_text"])
    async def test_a_card_edited_meanwhile_must_be_read_again(
        self, bot: Bot, make_contact: MakeContact, field: str
    ) -> None:
        ada = await make_contact()
        part = await asked(bot, ada)
        read = await answer_to(bot, part, ada)
        await bot.store.parts.update({"_id": part.id}, {"$set": {f"content.{field}": "Other words"}})
        edited = await bot.cards.find(part.conversation, part.seq, ada.id)
        await _refused(bot, edited, ada, WordsChanged, version=read.version)
        event = (await _submit(bot, edited, ada)).event
        assert event.words
        assert getattr(event.words, field) == "Other words"

    @pytest.mark.parametrize("field", ["name", "description"])
    async def test_a_subscription_edited_meanwhile_must_be_read_again(
        self, bot: Bot, make_contact: MakeContact, field: str
    ) -> None:
        ada = await make_contact()
        part = await asked(bot, ada)
        read = await answer_to(bot, part, ada)
        await bot.store.subscriptions.update({"_id": DEALS}, {"$set": {field: "Other words"}})
        await _refused(bot, part, ada, WordsChanged, version=read.version)
        event = (await _submit(bot, part, ada)).event
        assert event.words
        assert getattr(event.words, f"subscription_{field}") == "Other words"

    @pytest.mark.parametrize("version", ["", "x", "0" * 16])
    async def test_words_that_nobody_showed_are_not_agreed_to(
        self, bot: Bot, make_contact: MakeContact, version: str
    ) -> None:
        ada = await make_contact()
        await _refused(bot, await asked(bot, ada), ada, WordsChanged, version=version)


class TestClosed:
    """Law 9."""

    @pytest.mark.parametrize("state", [SubscriptionState.DRAFT, SubscriptionState.ARCHIVED])
    async def test_what_is_not_live_cannot_be_offered(
        self, bot: Bot, make_contact: MakeContact, state: SubscriptionState
    ) -> None:
        ada = await make_contact()
        await bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"state": state}})
        with pytest.raises(CardClosed):
            await asked(bot, ada)
        assert await bot.store.parts.count_about() == 0

    async def test_what_is_not_there_cannot_be_offered(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        with pytest.raises(CardClosed):
            await asked(bot, ada, card(subscription="none"))

    async def test_a_card_cannot_be_offered_in_no_conversation(self, bot: Bot) -> None:
        with pytest.raises(NotFound):
            await bot.cards.insert("nowhere", card(), TEAMMATE, "k")

    async def test_a_subscription_archived_after_it_was_shown_takes_no_yes(
        self, bot: Bot, make_contact: MakeContact, mongo: EmbeddedServer
    ) -> None:
        """Also while this process would still show it as live."""
        ada = await make_contact()
        part = await asked(bot, ada)
        answer = await answer_to(bot, part, ada)
        async with second_process(mongo) as other:
            await other.subscriptions.update({"_id": DEALS}, {"$set": {"state": SubscriptionState.ARCHIVED}})
        await _refused(bot, part, ada, CardClosed, version=answer.version)

    async def test_a_withdrawn_card_takes_no_yes(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        part = await asked(bot, ada)
        await bot.store.parts.update({"_id": part.id}, {"$set": {"content.state": CardState.CLOSED}})
        await _refused(bot, await bot.cards.find(part.conversation, part.seq, ada.id), ada, CardClosed)


class TestOnce:
    """Law 4."""

    async def test_the_same_answer_again_gets_the_same_event(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        part = await asked(bot, ada)
        first = await _submit(bot, part, ada)
        again = await _submit(bot, first.part, await _now(bot, ada), address=None)
        assert (again.event, again.is_new, again.part) == (first.event, False, first.part)
        assert len(await events_of(bot.store, ada.id)) == 1

    async def test_a_replay_is_answered_when_the_subscription_is_archived_since(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        ada = await make_contact()
        part = await asked(bot, ada)
        first = await _submit(bot, part, ada)
        await bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"state": SubscriptionState.ARCHIVED}})
        assert (await _submit(bot, first.part, await _now(bot, ada))).event == first.event

    async def test_a_double_click_makes_one_event(
        self, bot: Bot, make_contact: MakeContact, mongo: EmbeddedServer, settings: Settings
    ) -> None:
        ada = await make_contact()
        part = await asked(bot, ada)
        async with second_process(mongo) as other:
            bots = [bot, await make_bot(settings, other, "http://sayso.test")]
            answers = await asyncio.gather(*(_submit(bots[i % 2], part, ada) for i in range(20)))
        assert len({a.event.event for a in answers}) == 1
        assert sum(a.is_new for a in answers) == 1
        assert len(await events_of(bot.store, ada.id)) == 1

    @pytest.mark.parametrize("stale", [True, False])
    async def test_a_completed_card_takes_no_second_answer(
        self, bot: Bot, make_contact: MakeContact, stale: bool
    ) -> None:
        """Whatever it says, from a tab that is up to date or not: it is shown the answer that was given."""
        ada = await make_contact()
        part = await asked(bot, ada)
        first = await _submit(bot, part, ada)
        seen = (part, await _now(bot, ada)) if stale else (first.part, await _now(bot, ada))
        others: list[dict[str, Any]] = [{"address": "(201) 555-0124"}, {"address": "hello"}, {"version": "others"}]
        for other in others:
            again = await _submit(bot, *seen, **other)
            assert (again.event, again.is_new, again.part.content.number) == (first.event, False, NUMBER)
        assert len(await events_of(bot.store, ada.id)) == 1
        assert (await _now(bot, ada)).phone == NUMBER

    async def test_who_took_the_yes_back_is_not_signed_up_again_by_an_old_card(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        ada = await make_contact()
        first = await _submit(bot, await asked(bot, ada), ada)
        await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT))
        assert not (await _submit(bot, first.part, await _now(bot, ada))).is_new
        consent = (await _now(bot, ada)).consent(DEALS)
        assert consent
        assert consent.state is ConsentState.OPTED_OUT

    async def test_each_card_has_an_answer_of_its_own(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        first = await _submit(bot, await asked(bot, ada), ada)
        second = await _submit(bot, await asked(bot, ada, key="second"), await _now(bot, ada), address=None)
        assert second.is_new
        assert [e.id for e in await events_of(bot.store, ada.id)] == [first.event.id, second.event.id]

    async def test_a_second_card_leaves_a_confirmed_yes_as_it_is(self, bot: Bot, make_contact: MakeContact) -> None:
        """A request for confirmation would suspend the yes, and without a reply end it."""
        await bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
        ada = await make_contact(phone=NUMBER)
        second = await asked(bot, ada, key="b")
        answer = await answer_to(bot, second, ada)
        await answered(bot, ada, "a")
        await bot.ledger.record(change(ada.id, "yes", Action.CONFIRM, source=Source.KEYWORD))
        submitted = await bot.cards.submit(second, await _now(bot, ada), await bot.workspace(), answer)
        assert submitted.event.action is Action.OPT_IN
        consent = (await _now(bot, ada)).consent(DEALS)
        assert consent
        assert consent.state is ConsentState.OPTED_IN

    async def test_one_card_in_two_tabs_with_two_numbers_takes_one_of_them(
        self, bot: Bot, make_contact: MakeContact, mongo: EmbeddedServer, settings: Settings
    ) -> None:
        ada = await make_contact()
        part = await asked(bot, ada)
        async with second_process(mongo) as other:
            bots = [bot, await make_bot(settings, other, "http://sayso.test")]
            answers = await asyncio.gather(
                *(_submit(bots[i], part, ada, address=number) for i, number in enumerate([NUMBER, ANOTHER]))
            )
        assert len({a.event.event for a in answers}) == 1
        assert len(await events_of(bot.store, ada.id)) == 1

    async def test_a_crash_after_the_event_is_mended_by_asking_again(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        part = await asked(bot, ada)
        context = HERE.model_copy(update={"part": part.id})
        await bot.ledger.record(change(ada.id, f"card:{part.id}", context=context))
        ada_now = await _now(bot, ada)
        assert (await bot.cards.view(part, ada_now, await bot.workspace())).state == "completed"
        submitted = await _submit(bot, part, ada_now, address=None)
        assert not submitted.is_new
        assert len(await events_of(bot.store, ada.id)) == 1


class TestStrangers:
    """Law 11."""

    async def test_nobody_finds_another_s_card(self, bot: Bot, make_contact: MakeContact) -> None:
        ada, eve = await make_contact(), await make_contact()
        part = await asked(bot, ada)
        told = set()
        for conversation, seq, who in (
            (part.conversation, part.seq, eve.id),
            (part.conversation, 99, ada.id),
            (part.conversation, -1, ada.id),
            ("none", 1, ada.id),
        ):
            with pytest.raises(NotFound) as refused:
                await bot.cards.find(conversation, seq, who)
            told.add(str(refused.value))
        assert len(told) == 1
        assert await bot.cards.find(part.conversation, part.seq, ada.id) == part

    async def test_what_is_no_card_is_not_found(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        part = await asked(bot, ada)
        conversation = await bot.conversations.of_contact(part.conversation, ada.id)
        text = await bot.conversations.say(conversation, "Hi", "k")
        with pytest.raises(NotFound):
            await bot.cards.find(part.conversation, text.seq, ada.id)


class TestEmail:
    async def test_an_address_is_asked_kept_and_saved(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact(phone=NUMBER)
        submitted = await _submit(bot, await asked(bot, ada, card(subscription=NEWS)), ada, address=" ada@example.com ")
        assert (submitted.event.email, submitted.event.number) == ("ada@example.com", None)
        contact = await bot.store.contacts.get(ada.id)
        assert contact
        assert (contact.email, contact.phone) == ("ada@example.com", NUMBER)
        assert submitted.part.content.number == "ada@example.com"

    @pytest.mark.parametrize("address", [None, "", "ada", "ada@", "@example.com", "ada@example", "(201) 555-0123"])
    async def test_what_is_no_address_is_refused(
        self, bot: Bot, make_contact: MakeContact, address: str | None
    ) -> None:
        ada = await make_contact()
        await _refused(bot, await asked(bot, ada, card(subscription=NEWS)), ada, EmailRefused, address=address)

    async def test_a_saved_address_is_locked(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact(email="Ada@example.com")
        part = await asked(bot, ada, card(subscription=NEWS))
        await _refused(bot, part, ada, SavedNumberLocked, address="eve@example.com")
        assert (await _submit(bot, part, ada, address="ada@EXAMPLE.com")).event.email == "Ada@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "a b@example.com",
        "a@b@c.com",
        "a@.com",
        "a@b.",
        "a@b..c",
        "a" * 65 + "@b.co",
        "a@" + "b" * 260 + ".co",
        "a\n@b.co",
        "a@b.co\nbcc: eve@b.co",
    ],
)
def test_an_address_that_cannot_be_one_is_refused(text: str) -> None:
    with pytest.raises(EmailRefused):
        read_email(text)


@pytest.mark.parametrize("text", ["a@b.co", "a+b@mail.example.com", "جون@مثال.إختبار", "a'b@b-c.co.uk"])
def test_an_address_that_may_be_one_is_taken(text: str) -> None:
    assert read_email(text) == text


async def test_cards_of_one_conversation_are_seen_in_one_go(
    bot: Bot, make_contact: MakeContact, demo_store: Store
) -> None:
    ada = await make_contact()
    part = await asked(bot, ada)
    other = await bot.cards.insert(part.conversation, card(subscription=NEWS), TEAMMATE, "other")
    conversation = await bot.conversations.of_contact(part.conversation, ada.id)
    text = await bot.conversations.say(conversation, "Hi", "k")
    views = await bot.cards.views([part, text, other], ada, await bot.workspace())
    assert {id: view.channel for id, view in views.items()} == {part.id: "sms", other.id: "email"}


class TestStopped:
    async def test_a_saved_number_that_said_stop_is_told_how_to_lift_it(
        self, bot: Bot, make_contact: Callable[..., Any], store: Store
    ) -> None:
        ada = await make_contact(phone=NUMBER)
        part = await asked(bot, ada)
        await store.stops.insert(Stop(id=NUMBER, at=AT, text="STOP"))
        answer = await answer_to(bot, part, ada, address=None)
        with pytest.raises(NumberStopped):
            await bot.cards.submit(part, ada, await bot.workspace(), answer)
        assert await events_of(store, ada.id) == []

    async def test_a_number_that_is_typed_is_not_signed_up_and_the_card_says_so(
        self, bot: Bot, make_contact: Callable[..., Any], store: Store
    ) -> None:
        """The act is kept, no text leaves, and another number can be given."""
        stranger = await make_contact()
        await bot.receive(NUMBER, "STOP", "t1")
        submitted = await answered(bot, stranger)
        assert submitted.event.stopped
        shown = bot.cards.submitted_view(submitted, stranger, await bot.workspace())
        await bot.consumers.drain()
        part, person = await _fresh(bot, submitted.part, stranger)
        for view in (shown, await bot.cards.view(part, person, await bot.workspace())):
            assert (view.state, view.asks, view.value) == (CardViewState.OPEN, True, "(201) 555-0123")
            assert view.notice
            assert "reply START" in view.notice
        assert [text.body for text in await bot.phone.texts(NUMBER) if "subscribed to" in text.body] == []
        entries = await store.parts.after(part.conversation, part.seq, limit=9)
        assert [p.content.name for p in entries if isinstance(p.content, ConversationEvent)] == ["stopped"]
        with pytest.raises(NumberStopped):
            await _again(bot, part, person)
        other = await _again(bot, part, person, address="(201) 555-0124")
        assert (other.event.number, other.event.state) == (ANOTHER, ConsentState.OPTED_IN)

    async def test_after_its_start_the_same_number_can_sign_up(
        self, bot: Bot, make_contact: Callable[..., Any], store: Store
    ) -> None:
        ada = await make_contact()
        await bot.receive(NUMBER, "STOP", "t1")
        submitted = await answered(bot, ada)
        await bot.consumers.drain()
        await bot.receive(NUMBER, "START", "t2")
        part, person = await _fresh(bot, submitted.part, ada)
        view = await bot.cards.view(part, person, await bot.workspace())
        assert (view.state, view.notice, view.value) == (CardViewState.OPEN, None, "(201) 555-0123")
        assert (await _again(bot, part, person)).event.state is ConsentState.OPTED_IN

    async def test_the_flow_waits_for_a_yes_that_counts(self, bot: Bot, make_contact: Callable[..., Any]) -> None:
        ada = await make_contact()
        await bot.receive(NUMBER, "STOP", "t1")
        submitted = await answered(bot, ada)
        assert not counts(submitted.event)


class TestAsItIsNow:
    """A completed card shows whether anything is sent, and lets them sign up again if not."""

    async def _done(self, bot: Bot, ada: Contact) -> tuple[Part, Contact]:
        submitted = await answered(bot, ada)
        await bot.consumers.drain()
        return await _fresh(bot, submitted.part, ada)

    async def test_another_saved_number_can_be_signed_up(self, bot: Bot, make_contact: Callable[..., Any]) -> None:
        part, ada = await self._done(bot, await make_contact())
        await bot.ledger.record(change(ada.id, "n", Action.CHANGE_ADDRESS, subscription=None, number=ANOTHER))
        part, ada = await _fresh(bot, part, ada)
        view = await bot.cards.view(part, ada, await bot.workspace())
        assert (view.state, view.saved, view.asks) == (CardViewState.SAVED, "(201) 555-0124", False)
        assert view.notice
        assert "changed since you signed up" in view.notice
        event = (await _again(bot, part, ada, address=None)).event
        assert (event.number, event.state) == (ANOTHER, ConsentState.OPTED_IN)

    async def test_a_saved_number_that_is_stopped_is_told_to_text_start(
        self, bot: Bot, store: Store, make_contact: Callable[..., Any]
    ) -> None:
        part, ada = await self._done(bot, await make_contact())
        await store.stops.insert(Stop(id=NUMBER, at=AT, text="STOP"))  # the opt-outs that follow it are under way
        view = await bot.cards.view(part, ada, await bot.workspace())
        assert (view.state, view.offers) == (CardViewState.WITHDRAWN, False)
        assert view.notice
        assert "START" in view.notice

    async def test_a_number_that_was_removed_is_asked_for(self, bot: Bot, make_contact: Callable[..., Any]) -> None:
        part, ada = await self._done(bot, await make_contact())
        gone = change(ada.id, "n", Action.CHANGE_ADDRESS, subscription=None, number=None, clears=["phone"])
        await bot.ledger.record(gone)
        part, ada = await _fresh(bot, part, ada)
        assert (await bot.cards.view(part, ada, await bot.workspace())).asks
        assert (await _again(bot, part, ada)).event.number == NUMBER

    async def test_a_spoken_yes_since_can_be_given_in_writing(self, bot: Bot, make_contact: Callable[..., Any]) -> None:
        part, ada = await self._done(bot, await make_contact())
        no = await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT))
        spoken = Evidence(how=How.SPOKEN, given_at=now() + timedelta(seconds=1))
        by = Actor(kind="teammate", id="t")
        heard = change(ada.id, "y", source=Source.PROFILE, actor=by, evidence=spoken, warned_of=no.event.event)
        await bot.ledger.record(heard)
        part, ada = await _fresh(bot, part, ada)
        view = await bot.cards.view(part, ada, await bot.workspace())
        assert view.notice
        assert (view.state, "written consent" in view.notice) == (CardViewState.SAVED, True)
        assert (await _again(bot, part, ada, address=None)).event.grade is Grade.WRITTEN_SHOWN

    async def test_a_completed_card_with_a_yes_that_counts_is_answered_once(
        self, bot: Bot, make_contact: Callable[..., Any]
    ) -> None:
        part, ada = await self._done(bot, await make_contact())
        answer = await answer_to(bot, part, ada, address=None, again="made-up")
        with pytest.raises(CardClosed):
            await bot.cards.submit(part, ada, await bot.workspace(), answer)


async def _fresh(bot: Bot, part: Part, contact: Contact) -> tuple[Part, Contact]:
    card, person = await bot.store.parts.get(part.id), await bot.ledger.contact(contact.id)
    assert card
    assert person
    return card, person


async def _again(bot: Bot, part: Part, contact: Contact, **values: Any) -> Submitted:
    """Submits a completed card once more, as the page does."""
    view = await bot.cards.view(part, contact, await bot.workspace())
    answer = await answer_to(bot, part, contact, again=view.again, **values)
    return await bot.cards.submit(part, contact, await bot.workspace(), answer)
