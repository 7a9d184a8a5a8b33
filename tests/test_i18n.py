"""Words for people: every sentence has its translation, with the same places in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from bot import i18n
from bot.i18n import CATALOGS, choose_locale, locales, translator
from tools.catalogs import template as extract

PLACE = re.compile(r"%(?:\((\w+)\))?[sd]")
PO = sorted(CATALOGS.glob("*.po"))
template = cache(extract)


@pytest.fixture
def spanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A catalog of one sentence, in place of the real ones."""
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    (tmp_path / "es.po").write_text(head + 'msgid "Hello %(name)s"\nmsgstr "Hola %(name)s"\n', encoding="utf-8")
    for name in ("ar", "pt_BR"):
        (tmp_path / f"{name}.po").write_text(head, encoding="utf-8")
    monkeypatch.setattr(i18n, "CATALOGS", tmp_path)
    caches = (i18n.locales, i18n.translator, i18n.choose_locale)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("spanish")
class TestSpeaking:
    def test_a_sentence_is_said_in_the_language_of_the_reader(self) -> None:
        assert translator("es")("Hello %(name)s", name="Ada") == "Hola Ada"

    def test_a_sentence_without_a_translation_is_said_in_english(self) -> None:
        assert translator("es")("Bye %(name)s", name="Ada") == "Bye Ada"

    def test_a_language_that_we_do_not_speak_is_answered_in_english(self) -> None:
        say = translator("fi")
        assert (say.locale, say("Hello %(name)s", name="Ada")) == ("en", "Hello Ada")

    def test_nothing_is_said_as_nothing(self) -> None:
        """The empty message id of a catalog is its header."""
        assert translator("es")("") == ""

    def test_a_percent_sign_stays_where_nothing_is_filled_in(self) -> None:
        assert translator("en")("Get 10% off") == "Get 10% off"

    def test_arabic_is_written_from_right_to_left(self) -> None:
        assert (translator("ar").direction, translator("es").direction) == ("rtl", "ltr")

    def test_countries_have_names_and_unknown_ones_their_code(self) -> None:
        assert translator("es").country("US") == "Estados Unidos"
        assert translator("es").country("??") == "??"

    @pytest.mark.parametrize(
        ("wanted", "chosen"),
        [
            (("es",), "es"),
            (("es-MX", "en"), "es"),
            (("fi", "ar-EG"), "ar"),
            (("pt-BR",), "pt_BR"),
            (("fi",), "en"),
            (("", "es"), "es"),
            ((), "en"),
            (("*",), "en"),
            (("../../etc/passwd", "%s", "💥"), "en"),
            (("x" * 5000,), "en"),
        ],
    )
    def test_the_first_language_that_we_speak_is_chosen(self, wanted: tuple[str, ...], chosen: str) -> None:
        assert choose_locale(wanted) == chosen


def test_english_spanish_and_arabic_are_spoken() -> None:
    assert {"en", "es", "ar"} <= set(locales())


@pytest.mark.parametrize("path", PO, ids=lambda path: path.stem)
class TestCatalog:
    def test_every_sentence_of_code_and_templates_is_translated(self, path: Path) -> None:
        catalog = _read(path)
        missing = [message.id for message in template() if message.id and not _is_translated(catalog.get(message.id))]
        assert missing == [], "run `make catalogs`, then translate"

    def test_a_translation_has_the_places_of_its_sentence(self, path: Path) -> None:
        wrong = [m.id for m in _read(path) if m.id and m.string and not _has_same_places(m)]
        assert wrong == []

    def test_a_translation_can_be_filled_in(self, path: Path) -> None:
        for message in _read(path):
            for text in _texts(message.string):
                names = {name: 1 for name in PLACE.findall(text) if name}
                if names:
                    assert text % names

    def test_a_translation_is_written_once(self, path: Path) -> None:
        """A merge of two branches can repeat it."""
        twice = [text for m in _read(path) for text in _texts(m.string) if text and text in (text + text)[1:-1]]
        assert twice == []

    def test_a_translation_is_in_its_language(self, path: Path) -> None:
        """Neither left in English nor in another of our languages, as far as script and common words can tell."""
        catalog, locale = _read(path), path.stem
        wrong = {
            text: found for m in catalog if m.id for text in _texts(m.string) if (found := _other(text, m, locale))
        }
        assert wrong == {}

    def test_it_keeps_no_sentence_that_nobody_says(self, path: Path) -> None:
        said = {message.id for message in template()}
        assert [message.id for message in _read(path) if message.id not in said] == []


def test_the_sentences_of_errors_are_among_those_to_translate() -> None:
    said = {message.id for message in template()}
    assert {"Form not found.", "This form is no longer available.", "Enter your mobile number."} <= said


WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
NO_LANGUAGE = re.compile(r"%(?:\(\w+\))?[sd]|\{[^}]*\}|https?://\S+|\[[^\]]*\]\([^)]*\)|\S+@\S+|\b[A-Z_]{2,}\b")
"""Places, addresses, and words in capitals, like STOP and SAYSO_SITES, which are the same everywhere."""
COMMON = {
    "en": "the a an and or is are to of with for this that your you we it isn't can't not by from will be has have",
    "es": "el los las una y es son para con por este esta su sus tu se no que del de la un en al",
    "fr": "le les des une et est sont pour avec par ce cette votre vos vous ne pas que du de la un en au",
    "de": "der die das und ist sind zu mit für dieser diese dieses ihre ihr sie nicht ein eine den dem von im wird",
}
"""A few of the most frequent words; a sentence of some length has some."""
SAME, FEW = 4, 3
"""From so many words a text can't be the same as the English one; so many common words tell a language."""


def _other(text: str, message: Message, locale: str) -> str:
    """What language the text seems to be in instead of `locale`, or empty."""
    words = [word.casefold() for word in WORD.findall(NO_LANGUAGE.sub(" ", text))]
    if text in _texts(message.id) and len(words) >= SAME:
        return "en"
    if locale == "ar":
        arabic = sum("\u0600" <= word[0] <= "\u06ff" for word in words)
        return "" if len(words) < SAME or arabic * 2 >= len(words) else "not ar"
    common = {name: sum(word in list_.split() for word in words) for name, list_ in COMMON.items()}
    best = max(common, key=lambda name: common[name])
    return best if best != locale and common[best] >= max(FEW, 2 * common.get(locale, 0)) else ""


def test_german_says_sie() -> None:
    """To visitors and teammates alike."""
    texts = [text for message in _read(CATALOGS / "de.po") if message.id for text in _texts(message.string)]
    assert [text for text in texts if re.search(r"\b(du|dein\w*|dich|dir)\b", text, re.IGNORECASE)] == []


def test_a_wrong_language_is_noticed() -> None:
    english = "This form is no longer available to you."
    message = Message(english)
    assert _other(english, message, "fr") == "en"
    assert _other("This form isn't available for you and the team.", message, "de") == "en"
    assert _other("Dieses Formular ist für Sie nicht mehr verfügbar.", message, "fr") == "de"
    assert _other("This form is no longer available.", message, "ar") == "not ar"
    assert _other("Este formulario ya no está disponible para ti.", message, "es") == ""
    assert _other("لم يعد هذا النموذج متاحًا.", message, "ar") == ""


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def _is_translated(message: Message | None) -> bool:
    return message is not None and not message.fuzzy and all(_texts(message.string)) and bool(_texts(message.string))


def _texts(string: object) -> list[str]:
    return (
        [string] if isinstance(string, str) else [str(s) for s in string] if isinstance(string, (list, tuple)) else []
    )


def _has_same_places(message: Message) -> bool:
    """A form for one or two may say the number in a word."""
    wanted = set(PLACE.findall(_texts(message.id)[-1]))
    found = [set(PLACE.findall(text)) for text in _texts(message.string)]
    if isinstance(message.id, str):
        return all(places == wanted for places in found)
    return all(places <= wanted for places in found) and found[-1] == wanted
