"""What the format of a flow refuses, in words: pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.errors import marked as _
from bot.flows.faults import FlowFault
from bot.flows.nodes import Place
from bot.flows.rules import LONG_TEXT, NO_TEXT
from bot.model.form_words import LEGALLY_NEEDED

TAGS = ("kind", "field")
"""What tells the kinds of steps, triggers and conditions apart."""
ID = _("Use lowercase letters, digits and _ only, up to 40 characters.")
FORMS = {
    "id": ID,
    "step": ID,
    "attribute": _("Use the key of an attribute, like favorite_roast."),
    "locale": _("Use a language code, like en or es_MX."),
    "url": _("Enter an address that begins with https://."),
    "event": _("Use lowercase letters, digits, _ and . only, like sample.requested."),
    "pages": _("Enter a path like /cart or /beans/*, or an address that begins with https://."),
}
UNKNOWN_FIELD = _('Unknown field "%(name)s". Remove it, or check its spelling.')
UNKNOWN_KIND = _('Unknown kind "%(kind)s". Use one of: %(kinds)s.')
LOCKED = _("Required wording is locked: variants can change the title and the button only.")
MISSING = _('Add "%(name)s".')
ODD_FORM = _("This value has the wrong format.")
TOO_MANY = _("Use up to %(most)s entries.")
TOO_FEW = _("Add at least %(least)s.")
NO_CHOICE = _("Use one of: %(choices)s.")
NO_NUMBER = _("Enter a whole number.")
TOO_LOW = _("Enter %(least)s or more.")
TOO_HIGH = _("Enter %(most)s or less.")
ODD = _("This value isn't valid: %(why)s")


def refusals(error: ValidationError, raw: dict[str, Any]) -> list[FlowFault]:
    """All of them. Faults of the flow as a whole are worded by the rules."""
    details = [detail for detail in error.errors(include_url=False) if detail["loc"]]
    faulty = {detail["loc"][:end] for detail in details for end in range(1, len(detail["loc"]))}
    # Pydantic doesn't count faulty entries, so a list of nothing else seems too short.
    told = [d for d in details if d["type"] != "too_short" or d["loc"] not in faulty]
    return [_finding(detail, _place(detail["loc"], raw)) for detail in told]


def _finding(detail: ErrorDetails, place: Place) -> FlowFault:
    name, context = str(place[-1]) if place else "", detail.get("ctx", {})
    if detail["type"] == "string_pattern_mismatch":
        named = next((str(key) for key in reversed(place) if isinstance(key, str)), "")
        return FlowFault(place, FORMS.get(named, ODD_FORM))
    if detail["type"] == "extra_forbidden" and "variants" in place and name in LEGALLY_NEEDED:
        return FlowFault(place, LOCKED)
    if detail["type"] == "value_error":
        return FlowFault(place, str(context["error"]))
    text, values = WORDS.get(detail["type"], (ODD, lambda name, context: {"why": detail["msg"]}))
    return FlowFault(place, text, values(name, context))


def _place(loc: tuple[int | str, ...], raw: Any) -> Place:
    """Pydantic names the kind of each entry of a list behind its index; people don't."""
    place: list[str | int] = []
    here, is_entry = raw, False
    for key in loc:
        if is_entry and isinstance(here, dict) and key in [here.get(tag) for tag in TAGS]:
            is_entry = False
            continue
        place.append(key)
        is_entry = isinstance(key, int)
        here = _inside(here, key)
    return tuple(place)


def _inside(value: Any, key: int | str) -> Any:
    try:
        return value[key]
    except (KeyError, IndexError, TypeError):
        return None


Values = Callable[[str, dict[str, Any]], dict[str, str]]


def _none(name: str, context: dict[str, Any]) -> dict[str, str]:
    return {}


WORDS: dict[str, tuple[str, Values]] = {
    "extra_forbidden": (UNKNOWN_FIELD, lambda name, context: {"name": name}),
    "missing": (MISSING, lambda name, context: {"name": name}),
    "union_tag_not_found": (MISSING, lambda name, context: {"name": context["discriminator"].strip("'")}),
    "union_tag_invalid": (
        UNKNOWN_KIND,
        lambda name, context: {"kind": context["tag"][:40], "kinds": context["expected_tags"].replace("'", "")},
    ),
    "string_type": (NO_TEXT, _none),
    "string_too_short": (NO_TEXT, _none),
    "string_too_long": (LONG_TEXT, lambda name, context: {"most": str(context["max_length"])}),
    "too_long": (TOO_MANY, lambda name, context: {"most": str(context["max_length"])}),
    "too_short": (TOO_FEW, lambda name, context: {"least": str(context["min_length"])}),
    "literal_error": (NO_CHOICE, lambda name, context: {"choices": context["expected"].replace("'", "")}),
    "enum": (NO_CHOICE, lambda name, context: {"choices": context["expected"].replace("'", "")}),
    "int_type": (NO_NUMBER, _none),
    "int_parsing": (NO_NUMBER, _none),
    "int_from_float": (NO_NUMBER, _none),
    "greater_than_equal": (TOO_LOW, lambda name, context: {"least": str(context["ge"])}),
    "less_than_equal": (TOO_HIGH, lambda name, context: {"most": str(context["le"])}),
}
