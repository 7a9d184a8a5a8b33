"""The flows to begin with: JSON documents in `templates/`, without a subscription until one is chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bot.errors import marked as _
from bot.flows.document import FlowDocument
from bot.model.form_words import FORM_WORDS, FormWords, is_whole
from bot.model.subscription import Subscription

FOLDER = Path(__file__).parent / "templates"
GALLERY = {
    "discount": (
        _("Discount for a sign-up"),
        _("Greets new visitors and offers a discount code for signing up. Set your own discount and code."),
    ),
    "purchase_question": (
        _("Sign-up after a purchase question"),
        _("Asks what they are looking for, then offers texts about it."),
    ),
    "pending_again": (
        _("Ask again about a pending sign-up"),
        _("Reminds people who didn't confirm by text within an hour."),
    ),
    "keyword_join": (_("Sign-up on request"), _("Shows the form when someone writes “join” or “deals” in the chat.")),
    "win_back": (
        _("Win back after an opt-out"),
        _("Asks returning visitors why they opted out, and offers the subscription again."),
    ),
}
"""By the name of the file: name and description, gettext ids."""


@lru_cache(maxsize=len(GALLERY))
def _read(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def from_gallery(
    template: str,
    name: str,
    subscription: Subscription,
    words: FormWords,
    translations: Mapping[str, FormWords] = MappingProxyType({}),
) -> FlowDocument:
    """The template with this name and subscription. `words`: those of the subscription's forms, and `translations` of
    them; without a title there, the template's. A translation that lacks something is left out."""

    def filled(found: dict[str, Any]) -> dict[str, Any]:
        if found.get("kind") == "opt_in_form":
            titles = {} if words.title else found["translations"]
            found = {**found, **_given(words), "locale": subscription.language}
            base = FormWords(**{key: found.get(key, "") for key in FORM_WORDS})
            both = {locale: FormWords(**titles.get(locale, {}) | _given(one)) for locale, one in translations.items()}
            found["translations"] = {locale: _given(one) for locale, one in both.items() if is_whole(one, base)}
        return {**found, "subscription": subscription.id} if found.get("subscription") == "" else found

    return FlowDocument(**{**json.loads(_read(template), object_hook=filled), "name": name})


def _given(words: FormWords) -> dict[str, str]:
    return {key: value for key, value in words.model_dump().items() if value}
