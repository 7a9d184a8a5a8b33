"""What the variants of a form must not do: pure.

The legal text and the consent box are the agreement: they are the same in all variants, and what they say of the button
stays true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.errors import marked as _
from bot.flows.faults import FlowFault
from bot.flows.nodes import Node, Place, walk
from bot.flows.variants import ORIGINAL
from bot.i18n import locales, translator
from bot.model.form_words import MOST_VARIANTS

SAME_VARIANT = _('Give each variant a unique ID. "original" means the form\'s own words.')
SAME_WORDS = _("Another variant has the same title and button. Change one of them.")
NOT_TRANSLATED = _("The form is translated into %(locale)s. Add this translation to the variant.")
NO_SUCH_TRANSLATION = _("The form has no translation %(locale)s. Remove it from this variant.")
BUTTON_NAMED = _(
    'The legal text or consent box mentions the button "%(button)s". Use the same button text in this variant.'
)
SIGN_UP = _("Sign Up Now")
LONGEST_AGREEMENT = 4000
"""Characters that are searched: the format refuses more, and has a fault for it."""


def variant_faults(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    for node in walk(nodes):
        if node.raw.get("kind") == "opt_in_form":
            yield from _of_form(node)


def _of_form(node: Node) -> Iterator[FlowFault]:
    ids, words = {ORIGINAL}, {_words(node.raw)}
    for variant, place in _variants(node):
        id = variant.get("id")
        if isinstance(id, str) and id in ids:
            yield FlowFault((*place, "id"), SAME_VARIANT)
        if _words(variant) in words:
            yield FlowFault(place, SAME_WORDS)
        ids.add(str(id))
        words.add(_words(variant))
        yield from _in_languages(node.raw, variant, place)
        yield from _button(node.raw, variant, str(node.raw.get("locale", "en")), place)


def _in_languages(form: Mapping[str, Any], variant: Mapping[str, Any], place: Place) -> Iterator[FlowFault]:
    theirs, ours = _translations(form), _translations(variant)
    for locale in sorted(theirs.keys() - ours.keys()):
        yield FlowFault((*place, "translations"), NOT_TRANSLATED, {"locale": locale})
    for locale in sorted(ours.keys() - theirs.keys()):
        yield FlowFault((*place, "translations", locale), NO_SUCH_TRANSLATION, {"locale": locale})
    for locale in sorted(theirs.keys() & ours.keys()):
        yield from _button(theirs[locale], ours[locale], locale, (*place, "translations", locale))


def _button(form: Mapping[str, Any], variant: Mapping[str, Any], locale: str, place: Place) -> Iterator[FlowFault]:
    named, mine = _label(form, locale), _label(variant, locale)
    agreed = f"{form.get('box', '')}\n{form.get('legal_text', '')}"[:LONGEST_AGREEMENT]
    if mine != named and named.casefold() in agreed.casefold():
        yield FlowFault((*place, "button"), BUTTON_NAMED, {"button": named})


def _label(words: Mapping[str, Any], locale: str) -> str:
    button = words.get("button")
    say = translator(locale if locale in locales() else "en")
    return button.strip() if isinstance(button, str) and button.strip() else say(SIGN_UP)


def _words(of: Mapping[str, Any]) -> tuple[str, str]:
    return str(of.get("title", "")).strip(), str(of.get("button", "")).strip()


def _variants(node: Node) -> Iterator[tuple[dict[str, Any], Place]]:
    variants = node.raw.get("variants")
    for i, variant in enumerate(variants[:MOST_VARIANTS] if isinstance(variants, list) else []):
        if isinstance(variant, dict):
            yield variant, (*node.place, "variants", i)


def _translations(of: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found = of.get("translations")
    return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}
