"""Translations: gettext catalogs in `bot/locales`, read once; country names; choice of the locale."""

from __future__ import annotations

import gettext
import io
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

CATALOGS = Path(__file__).parent / "locales"
DEFAULT = "en"


@lru_cache(maxsize=1)
def locales() -> tuple[str, ...]:
    """The supported locales, the default first."""
    return (DEFAULT, *sorted(path.stem for path in CATALOGS.glob("*.po")))


WITH_ARTICLE = {
    "AE",
    "BS",
    "CD",
    "CF",
    "CG",
    "DO",
    "GB",
    "GM",
    "KM",
    "KY",
    "MH",
    "MV",
    "NL",
    "PH",
    "SB",
    "TC",
    "US",
    "VI",
}
"""Countries with "the" in English."""


class Translator:
    """Translates English messages into one locale; untranslated ones stay English."""

    def __init__(self, locale: str) -> None:
        self.locale = locale
        path = CATALOGS / f"{locale}.po"
        if path.exists():
            compiled = io.BytesIO()
            with path.open("rb") as file:
                write_mo(compiled, read_po(file, locale=locale))
            compiled.seek(0)
            self.catalog: gettext.NullTranslations = gettext.GNUTranslations(compiled)
        else:
            self.catalog = gettext.NullTranslations()
        self._babel = Locale.parse(locale)

    def __call__(self, message: str, **values: str) -> str:
        text = self.catalog.gettext(message) if message else ""
        return text % values if values else text

    @property
    def direction(self) -> str:
        return self._babel.text_direction

    def number(self, number: float) -> str:
        """With the locale's separators: 412,000."""
        return format_decimal(number, locale=self._babel)

    def country(self, region: str) -> str:
        """`US` is "United States"."""
        return self._babel.territories.get(region) or region

    def country_in_sentence(self, region: str) -> str:
        """The name after "in": "the United States", but "Germany"."""
        is_with_article = self.locale.startswith("en") and region in WITH_ARTICLE
        return f"the {self.country(region)}" if is_with_article else self.country(region)


@lru_cache(maxsize=32)
def translator(locale: str) -> Translator:
    return Translator(locale if locale in locales() else DEFAULT)


def base_language(locale: str) -> str:
    """`es_MX` is "es"."""
    return locale.partition("_")[0]


RIGHT_TO_LEFT = {"R", "AL"}
"""Unicode's classes of letters."""


@lru_cache(maxsize=2048)
def text_direction(text: str, locale: str) -> str:
    """The direction of most of its letters, `ltr` or `rtl`: a Latin name in an Arabic text changes nothing. Text
    without letters has the direction of its language."""
    classes = [unicodedata.bidirectional(c) for c in text]
    right, left = sum(c in RIGHT_TO_LEFT for c in classes), classes.count("L")
    if right == left:
        try:
            return Locale.parse(locale).text_direction
        except (UnknownLocaleError, ValueError):
            return "ltr"
    return "rtl" if right > left else "ltr"


@lru_cache(maxsize=512)
def choose_locale(wanted: Sequence[str]) -> str:
    """The first of `wanted` (`pt-BR`, `es`) whose language is supported."""
    tags = [tag.replace("-", "_") for tag in wanted if tag]
    try:
        return negotiate_locale(tags, locales(), sep="_") or DEFAULT
    except (UnknownLocaleError, ValueError):
        return DEFAULT
