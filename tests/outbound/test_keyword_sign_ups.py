"""Opting in by texting the keyword of a program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bot.app import Bot
from bot.consent.form_wording import WordingCheck
from bot.demo import DEALS, NEWS
from bot.errors import Conflict, FormWrong, NotFound, WordingIncomplete
from bot.model.contact import ConsentState, Contact
from bot.model.event import Action, Grade, Source
from bot.model.teammate import By
from bot.model.workspace import IncompleteWording
from bot.store import Store
from bot.workspace.keyword_programs import ProgramForm, read_keyword
from tests.people import ANOTHER, NUMBER, change, wording

MakeContact = Callable[..., Awaitable[Contact]]
ADA = By("ada", "Ada")
POSTER = ProgramForm(
    subscription=DEALS, place="Poster", title="Text BEANS for 10% off", legal_text="Recurring texts. Reply STOP."
)


@pytest.fixture
async def program(bot: Bot) -> None:
    await bot.keywords.create("Beans", POSTER, ADA, wording())


async def _said(bot: Bot, number: str) -> list[str]:
    await bot.consumers.drain()
    while await bot.sender.send_some():
        pass
    return [text.body for text in await bot.phone.texts(number) if text.incoming]


async def _who(bot: Bot, number: str) -> Contact:
    (contact,) = await bot.store.contacts.with_number(number, after="", limit=2)
    return contact


@pytest.mark.usefixtures("program")
class TestSignUp:
    async def test_an_unknown_number_becomes_a_lead_who_is_opted_in_with_the_words_of_the_poster(
        self, bot: Bot, store: Store
    ) -> None:
        for _time in range(2):  # the provider repeats it
            await bot.receive(ANOTHER, "beans please!", "t1")
        (said,) = await _said(bot, ANOTHER)
        assert said.startswith("Harbor Coffee: You are now subscribed to Deals and new roasts")
        lead = await _who(bot, ANOTHER)
        consent = lead.consent(DEALS)
        assert consent
        assert (consent.state, consent.evidence, consent.number) == (ConsentState.OPTED_IN, Grade.KEYWORD, ANOTHER)
        captured, event = await store.events.after(lead.id, 0, limit=9)
        assert captured.action is Action.CAPTURE_PHONE
        assert event.source is Source.KEYWORD
        assert event.words
        assert (event.words.title, event.words.legal_text) == (POSTER.title, POSTER.legal_text)
        assert event.words.act == 'texted "beans please!"'
        assert (event.words.keyword, event.words.keyword_version) == ("BEANS", 1)
        assert not await store.conversations.find({"contact": lead.id}, limit=1), "no teammate has to read it"

    async def test_a_contact_who_is_opted_in_is_told_so(
        self, bot: Bot, make_contact: MakeContact, store: Store
    ) -> None:
        contact = await make_contact()
        await bot.ledger.record(change(contact.id, "k"))
        await bot.receive(NUMBER, "BEANS", "t1")
        assert "You are already subscribed to Deals and new roasts" in (await _said(bot, NUMBER))[-1]
        assert len(await store.events.after(contact.id, 0, limit=9)) == 1

    async def test_double_opt_in_asks_and_a_yes_confirms(self, bot: Bot, store: Store) -> None:
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
        await bot.receive(ANOTHER, "BEANS", "t1")
        (asked,) = await _said(bot, ANOTHER)
        assert asked.startswith("Harbor Coffee: Reply YES to get")
        await bot.receive(ANOTHER, "yes please", "t2")
        assert (await _said(bot, ANOTHER))[-1].startswith("Harbor Coffee: You are now subscribed")
        consent = (await _who(bot, ANOTHER)).consent(DEALS)
        assert consent
        assert (consent.state, consent.evidence) == (ConsentState.OPTED_IN, Grade.KEYWORD)

    async def test_a_stopped_number_is_not_opted_in_and_gets_no_answer(self, bot: Bot, store: Store) -> None:
        await bot.receive(ANOTHER, "STOP", "t1")
        assert len(await _said(bot, ANOTHER)) == 1
        await bot.receive(ANOTHER, "BEANS", "t2")
        assert len(await _said(bot, ANOTHER)) == 1, "only START lifts a STOP"
        events = await store.events.after((await _who(bot, ANOTHER)).id, 0, limit=9)
        assert events[-1].stopped
        await bot.receive(ANOTHER, "START", "t3")
        await bot.receive(ANOTHER, "BEANS", "t4")
        assert "now subscribed" in (await _said(bot, ANOTHER))[-1]

    async def test_a_person_who_opted_out_can_opt_in_again(self, bot: Bot, make_contact: MakeContact) -> None:
        contact = await make_contact()
        await bot.ledger.record(change(contact.id, "k"))
        await bot.ledger.record(change(contact.id, "n", Action.OPT_OUT))
        await bot.receive(NUMBER, "BEANS", "t1")
        consent = (await _who(bot, NUMBER)).consent(DEALS)
        assert consent
        assert consent.state is ConsentState.OPTED_IN

    async def test_their_conversation_shows_it(self, bot: Bot) -> None:
        await bot.receive(ANOTHER, "Hello?", "t1")
        await bot.receive(ANOTHER, "BEANS", "t2")
        await _said(bot, ANOTHER)
        (conversation,) = await bot.store.conversations.find({"number": ANOTHER}, limit=2)
        parts = await bot.store.parts.before(conversation.id, None, limit=9)
        shown = [getattr(part.content, "text", getattr(part.content, "name", "")) for part in parts]
        assert shown[:2] == ["Hello?", "BEANS"]
        assert "signed_up" in shown

    async def test_a_paused_keyword_and_one_of_a_subscription_that_is_not_live_say_so(
        self, bot: Bot, store: Store
    ) -> None:
        await bot.keywords.pause("beans", 1, ADA)
        await bot.receive(ANOTHER, "BEANS", "t1")
        closed = "Harbor Coffee: This keyword isn't active."
        assert await _said(bot, ANOTHER) == [closed]
        assert not await store.contacts.with_number(ANOTHER, after="", limit=1)
        await bot.keywords.resume("beans", 2, ADA)
        assert await bot.programs.offered(DEALS)
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"state": "archived"}})
        assert await bot.programs.offered(DEALS) is None
        await bot.receive(ANOTHER, "BEANS", "t2")
        assert await _said(bot, ANOTHER) == [closed, closed]

    async def test_other_words_reach_the_inbox(self, bot: Bot) -> None:
        await bot.receive(ANOTHER, "How do I join?", "t1")
        assert await bot.store.conversations.find({"number": ANOTHER}, limit=1)


class TestPrograms:
    @pytest.mark.parametrize(
        "word",
        [
            "stop",
            "Stopp",
            "help",
            "start",
            "yes",
            "no",
            "remove",
            "baja",
            "unsubscribes",
            "please",
            "",
            "x",
            "join us",
            "jo-in",
        ],
    )
    def test_a_word_that_people_text_for_something_else_is_refused(self, word: str) -> None:
        with pytest.raises(FormWrong):
            read_keyword(word)

    @pytest.mark.parametrize("word", ["JOIN", " Kaffee ", "vip2026", "شارك"])
    def test_other_words_are_taken(self, word: str) -> None:
        assert read_keyword(word) == word.strip().lower()

    @pytest.mark.usefixtures("program")
    async def test_a_keyword_is_unique_and_the_same_form_again_makes_one(self, bot: Bot) -> None:
        await bot.keywords.create("beans", POSTER, ADA, wording())
        with pytest.raises(FormWrong):
            await bot.keywords.create("BEANS", POSTER, By("ben", "Ben"), wording())
        assert [row.program.keyword for row in await bot.programs.all()] == ["BEANS", "JOIN"]
        assert len(await bot.keywords.history("beans")) == 1

    @pytest.mark.usefixtures("program")
    async def test_each_change_is_a_version_and_earlier_words_stay(self, bot: Bot) -> None:
        new = POSTER.model_copy(update={"title": "Text BEANS for 20% off"})
        for _time in range(2):
            assert (await bot.keywords.edit("beans", 1, new, ADA, wording())).version == 2
        with pytest.raises(Conflict):
            await bot.keywords.edit("beans", 1, POSTER, By("ben", "Ben"), wording())
        newest, first = await bot.keywords.history("beans")
        assert (newest.after.title, first.after.title) == (new.title, POSTER.title)
        with pytest.raises(NotFound):
            await bot.keywords.edit("nothing", 1, POSTER, ADA, wording())

    async def test_only_a_live_text_subscription_can_have_one(self, bot: Bot, store: Store) -> None:
        for id in (NEWS, "0" * 24):
            with pytest.raises(FormWrong) as wrong:
                await bot.keywords.create("beans", POSTER.model_copy(update={"subscription": id}), ADA, wording())
            assert "subscription" in wrong.value.faults
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"state": "draft"}})
        with pytest.raises(FormWrong):
            await bot.keywords.create("beans", POSTER, ADA, wording())

    async def test_the_wording_checker_is_asked(self, bot: Bot) -> None:
        check: WordingCheck = wording(IncompleteWording.BLOCK)
        with pytest.raises(WordingIncomplete):
            await bot.keywords.create("beans", POSTER, ADA, check)
