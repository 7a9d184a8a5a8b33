"""The language and the exact wording of a card for one person: pure.

A card uses one language, also for its labels: the visitor's if the whole wording is translated into it, otherwise the
card's default.
"""

from __future__ import annotations

from functools import lru_cache

from bot.i18n import Translator, locales, translator
from bot.model.conversation import Card
from bot.model.event import Words
from bot.model.form_words import is_whole
from bot.model.subscription import Subscription


def locale_of(card: Card, wanted: str) -> str:
    """The language of the words that a visitor with the language `wanted` sees."""
    translation = card.translations.get(wanted)
    return wanted if wanted != card.locale and translation and is_whole(translation, card) else card.locale


def say_of(card: Card, say: Translator) -> Translator:
    """For everything around the words."""
    locale = locale_of(card, say.locale)
    return translator(locale) if locale != say.locale and locale in locales() else say


def card_words(card: Card, subscription: Subscription | None, say: Translator) -> Words:
    """The exact wording, for the person to see and for the ledger to keep (law 6)."""
    locale = locale_of(card, say.locale)
    words = card if locale == card.locale else card.translations[locale]
    named = subscription.words(locale) if subscription else None
    say = say_of(card, say)
    button = words.button or say("Sign Up Now")
    pressed = f'pressed "{button}"'
    return _words(
        words.title,
        button,
        words.legal_text,
        words.box,
        named.name if named else "",
        named.description if named else "",
        locale,
        f'ticked "{words.box}" and {pressed}' if words.box else pressed,
        subscription.version if subscription else None,
    )


@lru_cache(maxsize=1024)
def _words(
    title: str,
    button: str,
    legal: str,
    box: str,
    name: str,
    description: str,
    locale: str,
    act: str,
    version: int | None,
) -> Words:
    return Words(
        title=title,
        button=button,
        legal_text=legal,
        box=box or None,
        subscription_name=name,
        subscription_description=description,
        locale=locale,
        act=act,
        subscription_version=version,
    )
