"""How each kind of condition is edited: its name, its controls, and the condition that they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import available_timezones

from multidict import MultiMapping
from pydantic import TypeAdapter, ValidationError

from bot.consent.numbers import all_regions
from bot.errors import FormWrong, Invalid, NotFound
from bot.errors import marked as _
from bot.model.attribute import Attribute, AttributeType
from bot.model.filter import AttributeIs, Condition, Op, When
from widget.contacts.controls import Control, Kept, Period, Pick, Ticks, Typed
from widget.contacts.definitions import Definitions, Options
from widget.contacts.words import GRADES, OPS, OPS_OF, PHONE_KINDS, ROLES, SOURCES, STATES, US_STATES
from widget.web.languages import all_languages

CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
ATTRIBUTE = "attribute:"
"""Each attribute has an editor of its own: this, and its key."""
IS = (_("Is"), _("Is not"))
NAMES = {
    "consent": _("Subscription opt-ins"),
    "textable": _("Can be texted now"),
    "stopped": _("Opted out of all texts"),
    "has_phone": _("Phone number"),
    "phone_country": _("Phone country"),
    "us_state": _("US state"),
    "phone_type": _("Phone type"),
    "has_email": _("Email address"),
    "role": _("Role"),
    "locale": _("Language"),
    "time_zone": _("Time zone"),
    "last_seen": _("Last seen"),
    "created": _("Created"),
    "tag": _("Tag"),
    "contact": _("Selected contacts"),
}
GROUPS = (
    (_("Consent"), ("consent", "textable", "stopped")),
    (_("Phone and email"), ("has_phone", "phone_country", "us_state", "phone_type", "has_email")),
    (_("Person"), ("role", "locale", "time_zone", "last_seen", "created", "tag")),
)


@dataclass(frozen=True, slots=True)
class ConditionEditor:
    name: str
    controls: tuple[Control, ...]
    hint: str = ""
    more: tuple[Ticks | Period, ...] = ()
    """Controls that are collapsed at first."""
    attribute: Attribute | None = None
    """Whose values are edited."""

    def read(self, kind: str, given: MultiMapping[str]) -> Condition:
        """Raises FormWrong, with a sentence for each control."""
        field, _colon, key = kind.partition(":")
        raw: dict[str, Any] = {"field": field, **({"key": key} if key else {})}
        for control in (*self.controls, *self.more):
            raw |= control.read(given)
        try:
            if self.attribute:
                [self.attribute.read(value) for value in raw["values"]]
            return CONDITION.validate_python(raw)
        except ValidationError as wrong:
            raise FormWrong(_faults(wrong)) from None
        except Invalid as wrong:
            raise FormWrong({"values": wrong.text}, **wrong.values) from None

    def filled(self, given: MultiMapping[str]) -> ConditionEditor:
        """As it was submitted."""
        controls = tuple(control.filled(given) for control in self.controls)
        return replace(self, controls=controls, more=tuple(control.filled(given) for control in self.more))


def kinds(definitions: Definitions) -> list[tuple[str, Options]]:
    """The kinds of conditions, in groups: pairs of kind and name."""
    say = definitions.say
    groups = [(say(title), [(kind, say(NAMES[kind])) for kind in group]) for title, group in GROUPS]
    attributes = [(f"{ATTRIBUTE}{key}", a.name) for key, a in definitions.attributes.items()]
    return [*groups, *([(say("Attributes"), attributes)] if attributes else [])]


def kind_of(condition: Condition) -> str:
    return f"{ATTRIBUTE}{condition.key}" if isinstance(condition, AttributeIs) else condition.field


def editor(kind: str, definitions: Definitions, value: Condition | None = None) -> ConditionEditor:
    """`value`: the condition to change. Raises NotFound."""
    say = definitions.say
    if kind.startswith(ATTRIBUTE):
        attribute = definitions.attributes.get(kind.removeprefix(ATTRIBUTE))
        if attribute is None:
            raise NotFound
        return ConditionEditor(attribute.name, _attribute(attribute, definitions, value), attribute=attribute)
    if kind not in CONTROLS:
        raise NotFound
    controls = CONTROLS[kind](definitions, value)
    more = _when_and_how(definitions, value) if kind == "consent" else ()
    return ConditionEditor(say(NAMES[kind]), controls, say(HINTS.get(kind, "")), more)


HINTS = {
    "consent": _("Contacts by their status for a subscription."),
    "textable": _(
        "Contacts who may get this subscription's messages. Quiet hours and frequency limits aren't considered."
    ),
    "stopped": _("Contacts whose number texted STOP."),
    "phone_country": _("The country of the contact's number."),
    "us_state": _("Based on the area code. People may live elsewhere."),
    "contact": _("Select them in the list of contacts."),
}


def _consent(d: Definitions, value: Any) -> tuple[Control, ...]:
    say, hint = d.say, ""
    if any(d.is_opt_out(s.id) for s in d.live):
        hint = say("For opt-out subscriptions, “Opted in” includes contacts who never answered.")
    return (
        _subscription(d, value),
        _negation(d, value),
        Ticks("states", say("State"), _said(STATES, d), _get(value, "states"), hint),
    )


def _when_and_how(d: Definitions, value: Any) -> tuple[Ticks | Period, ...]:
    say = d.say
    return (
        Period.of("since", say("Since"), _get(value, "since") or When()),
        Ticks("sources", say("Source"), _said(SOURCES, d), _get(value, "sources"), say("Leave blank for any source.")),
        Ticks("grades", say("Evidence"), _said(GRADES, d), _get(value, "grades"), say("Leave blank for any evidence.")),
    )


def _textable(d: Definitions, value: Any) -> tuple[Control, ...]:
    return _subscription(d, value), _negation(d, value, _("Can be texted now"), _("Can't be texted now"))


def _subscription(d: Definitions, value: Any) -> Pick:
    options = [(s.id, s.words(d.say.locale).name) for s in d.live]
    chosen = _get(value, "subscription")
    if chosen and chosen not in dict(options):
        options.append((chosen, d.subscription(chosen)))
    return Pick("subscription", d.say("Subscription"), options, chosen or "")


def _ticks(
    name: str, label: str, options: Callable[[Definitions], Options], *, is_long: bool = False
) -> Callable[[Definitions, Any], tuple[Control, ...]]:
    """An editor with one list of options."""

    def controls(d: Definitions, value: Any) -> tuple[Control, ...]:
        return _negation(d, value), Ticks(name, d.say(label), options(d), _get(value, name), is_long=is_long)

    return controls


def _yes_or_no(yes: str, no: str) -> Callable[[Definitions, Any], tuple[Control, ...]]:
    return lambda d, value: (_negation(d, value, yes, no),)


def _last_seen(d: Definitions, value: Any) -> tuple[Control, ...]:
    never = Pick(
        "is_never",
        d.say("Seen"),
        [("", d.say("In a period")), ("1", d.say("Never seen"))],
        "1" if _get(value, "is_never") else "",
    )
    return _negation(d, value), never, Period.of("when", d.say("Period"), _get(value, "when") or When())


def _created(d: Definitions, value: Any) -> tuple[Control, ...]:
    return _negation(d, value), Period.of("when", d.say("Period"), _get(value, "when") or When())


def _attribute(attribute: Attribute, d: Definitions, value: Any) -> tuple[Control, ...]:
    ops: Options = [(op, d.say(OPS[op])) for op in OPS_OF[attribute.type]]
    values, label = _get(value, "values"), d.say("Value")
    control: Control
    if attribute.type is AttributeType.LIST:
        control = Ticks("values", label, [(o, o) for o in attribute.options], values)
    elif attribute.type is AttributeType.BOOLEAN:
        control = Ticks("values", label, [("true", d.say("Yes")), ("false", d.say("No"))], values)
    else:
        kind = {AttributeType.NUMBER: "number", AttributeType.DATE: "date"}.get(attribute.type, "text")
        control = Typed("values", label, values[0] if values else "", kind)
    return _negation(d, value), Pick("op", d.say("Comparison"), ops, _get(value, "op") or Op.IS), control


CONTROLS: Mapping[str, Callable[[Definitions, Any], tuple[Control, ...]]] = {
    "consent": _consent,
    "textable": _textable,
    "stopped": _yes_or_no(_("Opted out of all texts"), _("Not opted out of all texts")),
    "has_phone": _yes_or_no(_("Has a valid phone number"), _("No valid phone number")),
    "has_email": _yes_or_no(_("Has an email address"), _("No email address")),
    "phone_country": _ticks("countries", _("Country"), lambda d: _countries(d), is_long=True),
    "us_state": _ticks("states", _("State"), lambda d: [(code, code) for code in US_STATES], is_long=True),
    "phone_type": _ticks("kinds", _("Type"), lambda d: _said(PHONE_KINDS, d)),
    "role": _ticks("roles", _("Role"), lambda d: _said(ROLES, d)),
    "locale": _ticks("locales", _("Language"), lambda d: [*all_languages(d.say)], is_long=True),
    "time_zone": _ticks(
        "zones",
        _("Time zone"),
        lambda d: [(zone, zone.replace("_", " ")) for zone in sorted(available_timezones())],
        is_long=True,
    ),
    "last_seen": _last_seen,
    "created": _created,
    "tag": _ticks("tags", _("Tag"), lambda d: [(tag.id, tag.name) for tag in d.tags.values()], is_long=True),
    "contact": lambda d, value: (_negation(d, value), Kept("ids", _get(value, "ids"))),
}


def _negation(d: Definitions, value: Any, yes: str = IS[0], no: str = IS[1]) -> Pick:
    options = [("", d.say(yes)), ("1", d.say(no))]
    return Pick("is_not", d.say("Condition"), options, "1" if _get(value, "is_not") else "")


def _said(words: Mapping[Any, str], d: Definitions) -> Options:
    return [(str(value), d.say(text)) for value, text in words.items()]


def _countries(d: Definitions) -> Options:
    """Those that the workspace texts first."""
    others = sorted((c for c in all_regions() if c not in d.countries), key=d.say.country)
    return [(code, d.say.country(code)) for code in (*d.countries, *others)]


def _get(value: Condition | None, name: str) -> Any:
    return getattr(value, name, ())


def _faults(wrong: ValidationError) -> dict[str, str]:
    """By control."""
    faults = {}
    for error in wrong.errors(include_url=False, include_input=False):
        path = [str(step) for step in error["loc"][1:]]  # the first one is the kind
        name = path[0] if path else "values"
        few = error["type"] in {"too_short", "missing", "value_error"}
        faults[name] = _("Choose at least one.") if few else _("Invalid value.")
    return faults
