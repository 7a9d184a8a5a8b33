"""Names of languages in the reader's language, to choose the translations of a subscription."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.localedata import locale_identifiers

from bot.i18n import Translator

VARIANTS = ("en_GB", "es_MX", "fr_CA", "pt_BR", "pt_PT", "zh_Hans", "zh_Hant")
"""Regional variants offered in addition to the languages themselves."""


def all_languages(say: Translator) -> tuple[tuple[str, str], ...]:
    """Code and name, sorted by name; without those that have no name in the reader's language."""
    return _all(say.locale)


def language(code: str, say: Translator) -> str:
    """`es` is "Spanish"."""
    return _name(code, say.locale)


def named(codes: Iterable[str], say: Translator) -> list[tuple[str, str]]:
    return [(code, language(code, say)) for code in codes]


@lru_cache(maxsize=16)
def _all(reader: str) -> tuple[tuple[str, str], ...]:
    codes = [code for code in locale_identifiers() if "_" not in code and code != "root"]
    found = [(code, name) for code in (*codes, *VARIANTS) if (name := _name(code, reader)) != code]
    return tuple(sorted(found, key=lambda pair: pair[1].casefold()))


@lru_cache(maxsize=8192)
def _name(code: str, reader: str) -> str:
    try:
        name = Locale.parse(code).get_display_name(reader)
    except (UnknownLocaleError, ValueError):
        return code
    return name[:1].upper() + name[1:] if name else code
