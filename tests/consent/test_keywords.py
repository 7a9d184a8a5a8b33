"""One word from a phone: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.consent.keywords import WORDS, Keyword, keyword

FCC = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")
"""47 CFR 64.1200(a)(10): each of these in a reply is a revocation by itself."""
TWILIO = ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT")


@pytest.mark.parametrize("word", [*FCC, *TWILIO, "Stop all", "OPT-OUT"])
@pytest.mark.parametrize("form", ["{}", "  {}\n", "{}.", "“{}”!", "*{}*"])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_every_word_that_the_law_and_the_provider_name_stops(word: str, form: str, case: type[str]) -> None:
    assert keyword(form.format(case(word))) is Keyword.STOP


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("START", Keyword.START),
        ("unstop", Keyword.START),
        ("Help", Keyword.HELP),
        ("info?", Keyword.HELP),
        ("Yes", Keyword.YES),
        ("YES!", Keyword.YES),
        ("y", Keyword.YES),
        ("¡Sí!", Keyword.YES),
        ("Oui.", Keyword.YES),
        ("ja", Keyword.YES),
        ("نعم", Keyword.YES),
        ("Arrêt", Keyword.STOP),
        ("DÉSABONNER", Keyword.STOP),
        ("إيقاف", Keyword.STOP),
        ("ｓｔｏｐ", Keyword.STOP),
    ],
)
def test_the_words_of_the_languages_that_we_speak_are_known(text: str, meant: Keyword) -> None:
    assert keyword(text) is meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "👍",
        "don't stop",
        "stop by the shop",
        "Is it the end?",
        "yes please",
        "start when?",
        "help me",
        "🛑",
        "0",
    ],
)
def test_a_sentence_is_no_keyword(text: str) -> None:
    assert keyword(text) is None


def test_no_word_means_two_things() -> None:
    words = [word for of_one in WORDS.values() for word in of_one]
    assert len(words) == len(set(words))


def test_every_word_is_found_as_it_is_written() -> None:
    assert {word: keyword(word) for of_one in WORDS.values() for word in of_one} == {
        word: meant for meant, of_one in WORDS.items() for word in of_one
    }


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    keyword(text)
