"""Codes behind a keyword: not to be guessed, and read however a phone changes them."""

from __future__ import annotations

import pytest

from bot.consent.keywords import bare_words, read
from bot.consent.sign_up_codes import ALPHABET, LENGTH, make_code, read_code

CODES = [make_code(b"secret", "form", str(n)) for n in range(300)]


def test_codes_differ_and_are_the_same_for_the_same_names() -> None:
    assert len(set(CODES)) == len(CODES)
    assert CODES[7] == make_code(b"secret", "form", "7")
    assert CODES[7] != make_code(b"another", "form", "7")
    assert make_code(b"s", "a", "bc") != make_code(b"s", "ab", "c")


def test_every_code_is_read_as_it_is_written_and_means_nothing_else() -> None:
    for code in CODES:
        assert len(code) == LENGTH
        assert set(code) <= set(ALPHABET)
        text = f"JOIN {code}"
        assert read(text).keyword is None, text
        word, *more = bare_words(text)
        typed = read_code(more)
        assert (word, typed and typed.code, typed and typed.is_alone) == ("join", code, True), text


@pytest.mark.parametrize(
    "text",
    [
        "join 7k3m9qxv",
        " JOIN  7K3M9QXV. ",
        "“JOIN 7K3M9QXV”",
        "Join 7K3M 9QXV",
        "JOIN\n7K3M9QXV",
        "JOIN 7K3M-9QXV!",
        "Hi, JOIN 7K3M9QXV please",
        "JOIN 7K3M9QXV\n\nSent from my iPhone",
        "JOIN 7K3M9QXV Get Outlook for Android",
        "ＪＯＩＮ　７Ｋ３Ｍ９ＱＸＶ",
        "JOIN ٧K٣M٩QXV",
        "\u2066JOIN 7K3M9QXV\u2069",
    ],
)
def test_what_phones_and_people_do_to_a_text_changes_nothing(text: str) -> None:
    word, *more = bare_words(text)
    typed = read_code(more)
    assert word == "join"
    assert typed is not None
    assert (typed.code, typed.is_alone) == ("7K3M9QXV", True)


def test_what_follows_the_code_is_told() -> None:
    typed = read_code(["7k3m9qxv", "maya", "lopez"])
    assert typed is not None
    assert (typed.code, typed.is_alone) == ("7K3M9QXV", False)


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    assert make_code(b"s").find("O") == -1
    typed = read_code(["7k3moiLv"])
    assert typed is not None
    assert typed.code == "7K3M011V"


@pytest.mark.parametrize("words", [[], ["tomorrow"], ["the", "club"], ["7k3m"], ["7k3m9qxv2"], ["12345a78"]])
def test_other_words_are_no_code(words: list[str]) -> None:
    assert read_code(words) is None
