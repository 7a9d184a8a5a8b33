"""What a card shows, in each of its states: pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from bot.chat.card_state import CardViewState, start_words
from bot.chat.card_view import CardView, card_view
from bot.chat.card_words import card_words
from bot.chat.linked_text import LinkedText
from bot.i18n import Translator, translator
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import Card, CardState
from bot.model.event import Grade, Source
from bot.model.form_words import FormWords
from bot.model.subscription import MessageType, Subscription, SubscriptionState, Translation
from tests.people import ANOTHER, NUMBER, card, consent, person, subscription, workspace

SAY = translator("en")
YES, NO, WAITS = ConsentState.OPTED_IN, ConsentState.OPTED_OUT, ConsentState.PENDING
SPANISH = FormWords(title="Ofertas por SMS", legal_text="Responde STOP para darte de baja.")
OPEN, DONE, CLOSED = CardState.OPEN, CardState.COMPLETED, CardState.CLOSED


def _view(
    content: Card,
    contact: Contact,
    asked: Subscription | None = None,
    *,
    gone: bool = False,
    say: Translator = SAY,
    stopped: Collection[str] = (),
) -> CardView:
    asked = None if gone else asked or subscription()
    return card_view(content, "chat:0000000002", contact, asked, workspace(), say, stopped=stopped)


def _card(state: CardState = OPEN, **values: Any) -> Card:
    return card(subscription="deals", state=state, **values)


@pytest.mark.parametrize(
    ("grade", "shown"),
    [(Grade.ORAL_ATTESTED, CardViewState.SAVED), (Grade.PAPER, CardViewState.ALREADY)],
)
def test_who_is_sent_nothing_for_lack_of_evidence_can_sign_up(grade: Grade, shown: CardViewState) -> None:
    view = _view(_card(), person(phone=NUMBER, consents=(consent(YES, grade=grade),)))
    assert (view.state, view.offers) == (shown, shown is CardViewState.SAVED)


@pytest.mark.parametrize(
    ("state", "phone", "standing", "on_this_card", "shown"),
    [
        # A person without a number is asked for one, whatever they said before.
        (OPEN, None, None, False, CardViewState.OPEN),
        (OPEN, None, NO, False, CardViewState.OPEN),
        (OPEN, None, YES, False, CardViewState.OPEN),
        (OPEN, "+1201555", None, False, CardViewState.OPEN),
        (OPEN, "+442079460958", None, False, CardViewState.OPEN),
        # A saved number is shown locked.
        (OPEN, NUMBER, None, False, CardViewState.SAVED),
        (OPEN, NUMBER, ConsentState.NONE, False, CardViewState.SAVED),
        (OPEN, NUMBER, NO, False, CardViewState.SAVED),
        (OPEN, NUMBER, NO, True, CardViewState.SAVED),
        # Who said yes with this number, on another card, need not do it again; with another number they may.
        (OPEN, NUMBER, YES, False, CardViewState.ALREADY),
        (OPEN, NUMBER, WAITS, False, CardViewState.PENDING),
        (OPEN, ANOTHER, YES, False, CardViewState.SAVED),
        (OPEN, ANOTHER, WAITS, False, CardViewState.SAVED),
        # A crash after the event, before the card: the ledger has it, so it is done.
        (OPEN, NUMBER, YES, True, CardViewState.COMPLETED),
        # Done is done.
        (DONE, NUMBER, YES, True, CardViewState.COMPLETED),
        # What came after it counts.
        (DONE, NUMBER, NO, False, CardViewState.WITHDRAWN),
        (DONE, None, NO, False, CardViewState.WITHDRAWN),
        (DONE, NUMBER, WAITS, False, CardViewState.PENDING),
        (DONE, None, None, False, CardViewState.COMPLETED),
        # Withdrawn.
        (CLOSED, NUMBER, None, False, CardViewState.CLOSED),
        (CLOSED, None, None, False, CardViewState.CLOSED),
        (CLOSED, NUMBER, YES, False, CardViewState.CLOSED),
        (CLOSED, NUMBER, YES, True, CardViewState.COMPLETED),
    ],
)
def test_each_standing_has_its_state(
    state: CardState, phone: str | None, standing: ConsentState | None, on_this_card: bool, shown: CardViewState
) -> None:
    part = "chat:0000000002" if on_this_card else "chat:0000000009"
    source = Source.PROFILE if standing is NO else Source.FORM
    consents = (consent(standing, part=part, source=source),) if standing else ()
    assert _view(_card(state), person(phone=phone, consents=consents)).state is shown


@pytest.mark.parametrize(
    ("state", "asked", "standing", "shown"),
    [
        (DONE, True, None, CardViewState.PENDING),
        (DONE, True, WAITS, CardViewState.PENDING),
        (DONE, True, YES, CardViewState.COMPLETED),
        (DONE, True, ConsentState.NONE, CardViewState.LAPSED),
        (DONE, True, NO, CardViewState.LAPSED),
        # A crash after the event, before the card.
        (OPEN, False, WAITS, CardViewState.PENDING),
    ],
)
def test_a_card_that_waits_for_a_yes_shows_what_became_of_it(
    state: CardState, asked: bool, standing: ConsentState | None, shown: CardViewState
) -> None:
    source = Source.FORM if standing in {WAITS, YES} else Source.SYSTEM
    consents = (consent(standing, part="chat:0000000002", source=source),) if standing else ()
    phone = NUMBER if standing is YES else None  # a YES saves it
    assert _view(_card(state, asked=asked), person(phone=phone, consents=consents)).state is shown


@pytest.mark.parametrize("state", [SubscriptionState.DRAFT, SubscriptionState.ARCHIVED])
def test_a_subscription_that_is_not_live_closes_the_card(state: SubscriptionState) -> None:
    assert _view(_card(), person(), subscription(state=state)).state is CardViewState.CLOSED
    assert _view(_card(), person(phone=NUMBER), subscription(state=state)).state is CardViewState.CLOSED


def test_a_subscription_that_is_gone_closes_the_card() -> None:
    view = _view(_card(), person(), gone=True)
    assert (view.state, view.subscription) == (CardViewState.CLOSED, "")


class TestSince:
    MINE = _card(DONE, number=NUMBER)

    def test_nobody_who_is_out_sees_a_tick_and_they_are_offered_to_sign_up_again(self) -> None:
        for source in (Source.PREFERENCE_CENTER, Source.PROFILE, Source.KEYWORD, Source.API):
            out = consent(NO, source=source, event="OUT")
            view = _view(self.MINE, person(phone=NUMBER, consents=(out,)))
            assert (view.state, view.again, view.offers, view.asks) == (CardViewState.WITHDRAWN, "OUT", True, False)
            assert view.notice == "You're unsubscribed. You can sign up again here."

    def test_a_stopped_number_signs_up_by_START_alone(self) -> None:
        out = consent(NO, source=Source.KEYWORD)
        ada = person(phone=NUMBER, consents=(out,))
        for content in (self.MINE, _card()):
            view = _view(content, ada, stopped={NUMBER})
            assert (view.state, view.offers) == (CardViewState.WITHDRAWN, False)
            assert view.notice
            assert "reply START to any of our texts" in view.notice

    def test_the_number_to_text_START_to_is_named(self) -> None:
        where = workspace(texts_from="+1 888-555-0100")
        assert "text START from this number to \u2066+1 888-555-0100\u2069" in start_words(where, SAY)

    def test_nothing_is_offered_again_for_a_subscription_that_is_not_live(self) -> None:
        out = consent(NO, source=Source.PROFILE)
        view = _view(self.MINE, person(phone=NUMBER, consents=(out,)), subscription(state=SubscriptionState.ARCHIVED))
        assert (view.state, view.offers) == (CardViewState.WITHDRAWN, False)

    def test_a_number_that_never_answered_can_be_corrected(self) -> None:
        lapsed = consent(ConsentState.NONE, was=WAITS, source=Source.SYSTEM, event="LAPSED")
        view = _view(_card(DONE, asked=True), person(consents=(lapsed,)))
        assert (view.state, view.again, view.asks) == (CardViewState.LAPSED, "LAPSED", True)

    def test_a_pending_number_can_be_texted_again_and_changed_unless_it_is_saved(self) -> None:
        waits = consent(WAITS, event="ASKED", part="chat:0000000002")
        view = _view(_card(DONE, asked=True), person(consents=(waits,)))
        assert (view.waits, view.can_change) == ("ASKED", True)
        view = _view(_card(DONE, asked=True), person(phone=NUMBER, consents=(waits,)))
        assert (view.waits, view.can_change) == ("ASKED", False)

    def test_a_stopped_number_is_never_signed_up_also_before_the_contact_is_read_again(self) -> None:
        """A live line draws the card with the contact that it knows."""
        mine = _card(DONE, number=NUMBER, stopped=True)
        assert _view(mine, person()).state is CardViewState.OPEN
        tried = consent(ConsentState.NONE, stopped=True, event="TRIED")
        view = _view(mine, person(consents=(tried,)), stopped={NUMBER})
        assert (view.state, view.again, view.value) == (CardViewState.OPEN, "TRIED", "(201) 555-0123")

    def test_the_number_is_the_one_that_the_consent_is_for_now(self) -> None:
        yes = consent(YES, number=ANOTHER)
        assert _view(self.MINE, person(phone=ANOTHER, consents=(yes,))).done_number == "(201) 555-0124"


def test_a_completed_card_stays_completed_when_its_subscription_is_archived() -> None:
    assert _view(_card(DONE), person(), subscription(state=SubscriptionState.ARCHIVED)).state is CardViewState.COMPLETED


def test_a_yes_to_something_else_is_no_yes_to_this() -> None:
    other = consent(YES, subscription="orders")
    assert _view(_card(), person(phone=NUMBER, consents=(other,))).state is CardViewState.SAVED


class TestNumber:
    def test_a_saved_number_is_shown_as_people_write_it(self) -> None:
        assert _view(_card(), person(phone=NUMBER)).saved == "(201) 555-0123"

    def test_a_completed_card_shows_the_number_it_was_completed_with(self) -> None:
        view = _view(_card(DONE, number=NUMBER), person(phone=ANOTHER))
        assert (view.done_number, view.saved) == ("(201) 555-0123", "(201) 555-0124")

    def test_the_countries_that_are_texted_are_offered_the_default_one_first(self) -> None:
        view = _view(_card(), person())
        assert [(r.code, r.calling_code) for r in view.regions] == [("US", "+1"), ("CA", "+1"), ("GB", "+44")]
        assert (view.region, view.regions[2].name) == ("US", "United Kingdom")


class TestEmail:
    EMAILS = subscription(message_type=MessageType.EMAIL)

    def test_an_email_subscription_asks_for_an_address_and_no_number(self) -> None:
        view = _view(_card(), person(phone=NUMBER), self.EMAILS)
        assert (view.state, view.channel, view.saved) == (CardViewState.OPEN, "email", None)

    def test_a_saved_address_is_shown_as_it_is(self) -> None:
        view = _view(_card(), person(email="ada@example.com"), self.EMAILS)
        assert (view.state, view.saved) == (CardViewState.SAVED, "ada@example.com")

    def test_who_said_yes_with_this_address_is_signed_up_already(self) -> None:
        said = consent(YES, number=None, email="ada@example.com")
        assert (
            _view(_card(), person(email="ada@example.com", consents=(said,)), self.EMAILS).state
            is CardViewState.ALREADY
        )


class TestWords:
    def test_an_empty_button_says_sign_up_now(self) -> None:
        view = _view(_card(), person())
        assert (view.button, view.title, view.subscription) == ("Sign Up Now", "Sign up to our deals", "Deals")
        assert card_words(_card(), subscription(), SAY).act == 'pressed "Sign Up Now"'

    def test_a_button_of_its_own_is_said(self) -> None:
        assert _view(_card(button="Count me in"), person()).button == "Count me in"
        assert card_words(_card(button="Count me in"), subscription(), SAY).act == 'pressed "Count me in"'

    def test_a_subscription_is_named_in_the_language_of_the_reader(self) -> None:
        asked = subscription(translations={"es": Translation(name="Ofertas", description="Novedades")})
        words = card_words(_card(translations={"es": SPANISH}), asked, translator("es"))
        assert (words.subscription_name, words.subscription_description, words.locale) == ("Ofertas", "Novedades", "es")

    @pytest.mark.parametrize(
        ("translation", "box", "locale"),
        [
            (SPANISH, "", "es"),
            (FormWords(title="Ofertas"), "", "en"),
            (FormWords(legal_text="Responde STOP."), "", "en"),
            (SPANISH, "I agree.", "en"),
            (FormWords(title="Ofertas", legal_text="Responde STOP.", box="Acepto."), "I agree.", "es"),
        ],
    )
    def test_a_card_speaks_one_language_and_only_one_that_says_it_all(
        self, translation: FormWords, box: str, locale: str
    ) -> None:
        content = _card(box=box, translations={"es": translation})
        view, words = _view(content, person(), say=translator("es")), card_words(content, None, translator("es"))
        assert (view.locale, view.lang, words.locale) == (locale, locale, locale)
        assert view.button == words.button == translator(locale)("Sign Up Now")

    def test_each_text_runs_as_its_language_does(self) -> None:
        arabic = FormWords(title="عروض Harbor عبر SMS", legal_text="أرسل STOP. [الشروط](https://harbor.example/terms)")
        content = _card(translations={"ar": arabic})
        assert _view(content, person(), say=translator("ar")).direction == "rtl"
        assert _view(content, person(), say=translator("en")).direction == "ltr"
        assert _view(_card(), person(), say=translator("ar")).direction == "ltr"
        mistaken = _card(title="عروض القهوة", legal_text="")
        assert _view(mistaken, person()).direction == "rtl"

    def test_words_in_a_language_that_sayso_does_not_speak_are_surrounded_by_the_visitors(self) -> None:
        view = _view(_card(locale="pt"), person(), say=translator("fr"))
        assert (view.lang, view.locale) == ("pt", "fr")

    def test_a_box_is_part_of_the_words_and_so_is_its_tick(self) -> None:
        words = card_words(_card(box="I agree."), subscription(), SAY)
        assert (words.box, words.act) == ("I agree.", 'ticked "I agree." and pressed "Sign Up Now"')
        assert words.version != card_words(_card(), subscription(), SAY).version
        assert card_words(_card(), subscription(), SAY).box is None

    def test_titles_are_never_markup_and_legal_texts_hold_links_alone(self) -> None:
        view = _view(_card(title="<b>[Hi](https://x.example)</b>", legal_text="<i>[T](https://x.example)"), person())
        assert view.title == "<b>[Hi](https://x.example)</b>"
        assert view.legal == (LinkedText("<i>"), LinkedText("T", "https://x.example"))

    @pytest.mark.parametrize(
        ("edited", "named"),
        [
            ({"title": "x"}, {}),
            ({"button": "x"}, {}),
            ({"legal_text": "x"}, {}),
            ({}, {"name": "x"}),
            ({}, {"description": "x"}),
        ],
    )
    def test_other_words_have_another_version(self, edited: dict[str, Any], named: dict[str, str]) -> None:
        before = _view(_card(), person()).version
        assert _view(_card(), person("bob", phone=NUMBER)).version == before, "the words do not depend on the person"
        assert _view(_card(**edited), person(), subscription(**named)).version != before


def test_a_saved_number_of_a_country_that_is_not_texted_is_told_so_and_offered_nothing() -> None:
    germany = "+4915123456789"
    view = _view(_card(), person(phone=germany))
    assert (view.state, view.saved) == (CardViewState.CLOSED, "+49 1512 3456789")
    assert view.notice == "We don't text numbers in Germany yet."
