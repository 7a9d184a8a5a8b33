"""What a subscription is for decides what its forms must say."""

from __future__ import annotations

import pytest

from bot.consent.checker import WordingFacts, check_form, lacking
from bot.consent.offers import standard_form, standard_legal_text
from bot.i18n import locales, translator
from bot.model.subscription import MessageType, Purpose, Subscription
from tests.people import subscription, workspace

SAY = translator("en")
BRAND = {
    "name": "Harbor Coffee",
    "legal_name": "Harbor Coffee Roasters LLC",
    "terms_url": "https://harbor.example/terms",
    "privacy_url": "https://harbor.example/privacy",
}


def codes(text: str, purpose: Purpose) -> set[str]:
    facts = WordingFacts.of(workspace(**BRAND), purpose=purpose)
    return {finding.code for finding in lacking(check_form(text, facts, SAY))}


def test_a_subscription_from_before_purposes_is_marketing() -> None:
    stored = {key: value for key, value in subscription().stored().items() if key != "purpose"}
    assert Subscription.load(stored).purpose is Purpose.MARKETING


def test_only_marketing_must_say_that_texts_are_automated_and_no_condition_of_purchase() -> None:
    assert {"automated", "purchase"} <= codes("", Purpose.MARKETING)
    assert codes("", Purpose.MARKETING) - codes("", Purpose.INFORMATIONAL) == {"automated", "purchase"}


def test_informational_texts_need_no_agreement_to_marketing() -> None:
    facts = WordingFacts.of(workspace(**BRAND), purpose=Purpose.INFORMATIONAL)
    sentences = " ".join(finding.sentence for finding in check_form("", facts, SAY))
    assert "agree to get text messages from Harbor Coffee Roasters LLC" in sentences
    assert "marketing" not in sentences


@pytest.mark.parametrize("locale", sorted(locales()))
def test_the_standard_text_of_an_informational_form_lacks_nothing(locale: str) -> None:
    say, brand = translator(locale), workspace(**BRAND)
    text = standard_legal_text(subscription(purpose=Purpose.INFORMATIONAL), brand, say)
    facts = WordingFacts.of(brand, program="Deals", purpose=Purpose.INFORMATIONAL)
    assert lacking(check_form(text, facts, say)) == ()


def test_forms_for_marketing_begin_with_the_workspaces_own_text() -> None:
    assert standard_legal_text(subscription(), workspace(legal_text="Our words."), SAY) == "Our words."


@pytest.mark.parametrize("locale", sorted(locales()))
def test_forms_in_another_language_than_the_workspaces_text_begin_with_the_standard_one(locale: str) -> None:
    brand = workspace(**BRAND, legal_text="Our words.", legal_language="pt_BR")
    text = standard_form(subscription(language=locale), brand).legal_text
    facts = WordingFacts.of(brand, program="Deals")
    assert lacking(check_form(text, facts, translator(locale))) == ()


@pytest.mark.parametrize(
    ("language", "written_in", "text"),
    [
        ("en", "en", "Our words."),
        ("en_GB", "en", "Our words."),
        ("pt", "pt_BR", "Our words."),
        ("pt", "en", ""),  # nothing is better than a text whose language is another than it says
    ],
)
def test_a_form_never_begins_with_a_text_in_another_language(language: str, written_in: str, text: str) -> None:
    brand = workspace(**BRAND, legal_text="Our words.", legal_language=written_in)
    assert standard_form(subscription(language=language), brand).legal_text == text


def test_forms_for_emails_begin_without_words_about_texts() -> None:
    email = subscription(message_type=MessageType.EMAIL, purpose=Purpose.INFORMATIONAL)
    assert standard_legal_text(email, workspace(**BRAND), SAY) == ""
