"""What a text means: pure."""

from __future__ import annotations

import string
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.compliance.keyword_table import LIKELY, NOT_TYPOS, ROWS, TYPOS_OF, Keyword, Row, expanded
from bot.consent.keyword_phrases import normalized
from bot.consent.keywords import Reading, keyword, read

FCC = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")
"""47 CFR 64.1200(a)(10): each of these in a reply is a revocation by itself."""
TWILIO = ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT")
INTERCOM = ("UNSUBSCRIBE", "QUIT", "EXIT", "STOP", "STOPALL", "CANCEL", "END")
ZOO = Path(__file__).parent / "keyword_zoo.txt"


def _zoo() -> list[tuple[str, str]]:
    """Texts with their meaning."""
    found, meaning = [], ""
    for line in ZOO.read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]") and line[1:-1] in MEANINGS:
            meaning = line[1:-1]
        elif meaning:
            found.append((line.replace("\\n", "\n"), meaning))
    return found


MEANINGS = {*Keyword, "likely stop", "nothing"}
TEXTS = _zoo()


def _meaning(reading: Reading) -> str:
    if reading.keyword is None:
        return "nothing"
    return f"likely {reading.keyword}" if reading.likely else reading.keyword


def test_the_zoo_is_large_and_has_every_meaning() -> None:
    assert len({text for text, _ in TEXTS}) >= 400
    counts = Counter(meaning for _, meaning in TEXTS)
    assert set(counts) == MEANINGS
    assert counts["nothing"] > 100


@pytest.mark.parametrize("meaning", sorted(MEANINGS))
def test_every_text_of_the_zoo_is_understood(meaning: str) -> None:
    texts = [text for text, its in TEXTS if its == meaning]
    assert {text: _meaning(read(text)) for text in texts} == dict.fromkeys(texts, meaning)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.keyword}-{row.language}-{row.phrases[0]}")
def test_every_row_of_the_table_means_what_it_says(row: Row) -> None:
    phrases = [phrase for pattern in row.phrases for phrase in expanded(pattern)]
    assert {phrase for phrase in phrases if keyword(phrase) is not row.keyword} == set()


@pytest.mark.parametrize("row", LIKELY, ids=lambda row: row.language)
def test_every_likely_row_goes_to_a_teammate(row: Row) -> None:
    phrases = [phrase for pattern in row.phrases for phrase in expanded(pattern)]
    assert {phrase: _meaning(read(phrase)) for phrase in phrases} == dict.fromkeys(phrases, "likely stop")


@pytest.mark.parametrize("word", [*FCC, *TWILIO, *INTERCOM, "Stop all", "OPT-OUT"])
@pytest.mark.parametrize("form", ["{}", "  {}\n", "{}.", "“{}”!", "*{}*"])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_every_word_that_law_and_providers_name_stops(word: str, form: str, case: type[str]) -> None:
    assert keyword(form.format(case(word))) is Keyword.STOP


def test_no_phrase_means_two_things() -> None:
    phrases = [
        (normalized(phrase), row.keyword) for row in ROWS for pattern in row.phrases for phrase in expanded(pattern)
    ]
    meanings: dict[str, set[Keyword]] = {}
    for phrase, its in phrases:
        meanings.setdefault(phrase, set()).add(its)
    assert {phrase: its for phrase, its in meanings.items() if len(its) > 1} == {}


def test_a_pattern_expands_to_all_of_its_phrases() -> None:
    assert expanded("stop [it|this] (now|soon)") == [
        "stop now", "stop soon", "stop it now", "stop it soon", "stop this now", "stop this soon",
    ]  # fmt: skip
    assert expanded("a [b (c|d)]") == ["a", "a b c", "a b d"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("STOP!!! I never signed up for any of these messages", "begins: stop"),
        ("Stop!!! I never signed up for any of these messages", "sentence: stop"),
        ("STOP. This is the third time I ask you", "sentence: stop"),
        ("stop. This is the third time I ask you", "sentence: stop"),
        ("Please stop. I did not ask for these and my lawyer will call", "sentence: stop"),
        ("I did not ask for these and my lawyer will call. Please stop!", "sentence: stop"),
        ("I did not ask for these and my lawyer will call. Stop.\nRegards\nJohn Smith", "sentence: stop"),
        ("STOP\n\nOn Monday Acme wrote: hi", "sentence: stop"),
        ("stop\n\nOn Monday Acme wrote: hi", "sentence: stop"),
        ("Arrête ! Je vous ai déjà dit que ce n'est pas moi", "sentence: arrete"),
        ("STOPPP!! or else my lawyer will call you tomorrow morning", "begins: stop"),
        ("STOP and do it before my lawyer calls you tomorrow", "begins: stop"),
        ("“STOP” or else my lawyer will call you tomorrow morning", "begins: stop"),
        ("this is a business line, stop", "sentence: stop"),
        ("I did not ask for this, remove me", "sign: remove me"),
        ("I'm not John, you have the wrong number my friend", "sign: wrong number"),
    ],
)
def test_a_stop_that_is_a_sentence_or_begins_in_capitals_goes_to_a_teammate(text: str, rule: str) -> None:
    """Not in the zoo: case, line breaks and sentence ends are what counts."""
    assert read(text) == Reading(Keyword.STOP, likely=True, rule=rule)


@pytest.mark.parametrize(
    "text",
    [
        "STOP by the store, we have decaf again and nobody buys it",
        "STOP this bill! Call your senator before the vote on Monday",
        "Count me in! We have to STOP this bill",
        "Great. Don't stop. I love these",
        "Is it the end? I hope not. The end",
        "don't\nstop",
        "cancel\nmy\norder",
    ],
)
def test_other_sentences_do_not(text: str) -> None:
    assert read(text) == Reading()


def test_only_a_phones_signature_needs_no_line_break_or_dash() -> None:
    assert keyword("yes sent via DHL") is None
    assert keyword("start sent from Berlin") is None
    assert keyword("yes\nSent via Outlook") is Keyword.YES
    assert keyword("yes - Sent via Outlook") is Keyword.YES
    assert keyword("yes Sent from my iPhone") is Keyword.YES
    assert keyword("yes\nRegards, John\nSent from my iPhone") is Keyword.YES


def test_no_separate_words_are_a_start() -> None:
    assert keyword("un stop") is None
    assert keyword("un-stop") is None
    assert keyword("st op") is Keyword.STOP


class TestTypos:
    @pytest.mark.parametrize("word", TYPOS_OF)
    def test_one_letter_missing_added_wrong_or_swapped_still_stops(self, word: str) -> None:
        missing = {word[:at] + word[at + 1 :] for at in range(1, len(word))}
        swapped = {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)}
        added = {word[:at] + "x" + word[at:] for at in range(len(word) + 1)}
        for typo in missing | swapped | added:
            if len(typo) >= 4 and typo not in NOT_TYPOS:
                assert keyword(typo) is Keyword.STOP, typo

    @pytest.mark.parametrize("word", sorted(NOT_TYPOS))
    def test_other_words_are_left_alone(self, word: str) -> None:
        assert keyword(word) is None

    def test_two_letters_are_too_many(self) -> None:
        assert keyword("soup") is None
        assert keyword("subscribe") is Keyword.START


class TestNothingChangesTheMeaning:
    """Case, punctuation, width, spaces and invisible characters, of every text in the zoo."""

    zoo = st.sampled_from(TEXTS)
    punctuation = st.text(alphabet=string.punctuation + " \t\n…¡¿«»“”‘’—–·•、。！？؟،", max_size=6)
    invisible = st.sampled_from(
        "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202e\u2066\u3164\u115f\ufe0f\u034f"
    )

    @given(zoo, st.sampled_from([str.upper, str.lower, str.title, str.swapcase, str.capitalize]))
    def test_case(self, text: tuple[str, str], case: type[str]) -> None:
        assert _meaning(read(case(text[0]))) == text[1]

    @given(zoo, punctuation, punctuation)
    def test_punctuation_around(self, text: tuple[str, str], before: str, after: str) -> None:
        assert _meaning(read(before + text[0] + after)) == text[1]

    @given(zoo, punctuation)
    def test_punctuation_between_words(self, text: tuple[str, str], between: str) -> None:
        assert _meaning(read(text[0].replace(" ", f" {between} "))) == text[1]

    @given(zoo, st.lists(st.tuples(st.integers(0, 200), invisible), max_size=8))
    def test_invisible_characters_anywhere(self, text: tuple[str, str], hidden: list[tuple[int, str]]) -> None:
        said = text[0]
        for at, character in hidden:
            at %= len(said) + 1
            said = said[:at] + character + said[at:]
        assert _meaning(read(said)) == text[1]

    @given(zoo)
    def test_width(self, text: tuple[str, str]) -> None:
        wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text[0])
        assert _meaning(read(wide)) == text[1]

    @given(zoo, st.sampled_from(["\u00a0", "\u3000", "\t", "\n", "  ", "\u2003"]))
    def test_other_spaces(self, text: tuple[str, str], space: str) -> None:
        assert _meaning(read(text[0].replace(" ", space))) == text[1]


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    read(text)


def test_what_recognized_a_text_is_told() -> None:
    assert read("Stop texting me!").rule == "phrase: stop texting me"
    assert read("sotp").rule == "typo: stop"
    assert read("How do I unsubscribe?").rule == "sign: unsubscribe"
    assert read("STOP John").rule == "begins: stop"
