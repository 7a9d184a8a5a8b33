"""Conditions in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from babel.dates import format_date
from babel.lists import format_list

from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.contact import ConsentState
from bot.model.filter import (
    AttributeIs,
    Condition,
    ConsentIs,
    ContactIs,
    Created,
    LastSeen,
    LocaleIs,
    Op,
    PhoneCountry,
    PhoneType,
    RoleIs,
    TagIs,
    Textable,
    TimeZoneIs,
    UsState,
    When,
)
from widget.contacts.definitions import Definitions
from widget.contacts.editors import NAMES
from widget.contacts.words import GRADES, PHONE_KINDS, ROLES, SOURCES, STATES
from widget.web.languages import language

YES_OR_NO = {
    "stopped": (_("Opted out of all texts"), _("Not opted out of all texts")),
    "has_phone": (_("Has a valid phone number"), _("No valid phone number")),
    "has_email": (_("Has an email address"), _("No email address")),
}


@dataclass(frozen=True, slots=True)
class ConditionWords:
    label: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.label} {self.text}".strip()


def words_of(condition: Condition, d: Definitions) -> ConditionWords:
    say, is_not = d.say, condition.is_not
    match condition:
        case ConsentIs():
            text = _not(" · ".join(_consent(condition, d)), say, is_not)
            return ConditionWords(d.subscription(condition.subscription), text)
        case Textable():
            text = say("can't be texted now") if is_not else say("can be texted now")
            return ConditionWords(d.subscription(condition.subscription), text)
        case LastSeen(is_never=True):
            return ConditionWords(say(NAMES[condition.field]), say("at any time") if is_not else say("never"))
        case LastSeen() | Created():
            return ConditionWords(say(NAMES[condition.field]), _not(period(condition.when, say), say, is_not))
        case ContactIs():
            number = len(condition.ids)
            text = say.catalog.ngettext("%(number)s contact", "%(number)s contacts", number) % {"number": number}
            return ConditionWords(say(NAMES[condition.field]), _not(text, say, is_not))
        case AttributeIs():
            return ConditionWords(d.attribute(condition.key), _attribute(condition, d))
    if condition.field in YES_OR_NO:
        return ConditionWords(say(YES_OR_NO[condition.field][is_not]))
    return ConditionWords(say(NAMES[condition.field]), _is(_either(_values(condition, d), say), say, is_not))


def period(when: When, say: Translator) -> str:
    limits = (
        (when.within_days, _("in the last %(limit)s days")),
        (when.beyond_days, _("more than %(limit)s days ago")),
        (when.after, _("since %(limit)s")),
        (when.before, _("before %(limit)s")),
    )
    return " · ".join(say(text, limit=_limit(limit, say)) for limit, text in limits if limit is not None)


def _limit(limit: int | date, say: Translator) -> str:
    return say.number(limit) if isinstance(limit, int) else format_date(limit, "medium", locale=say.locale)


def _consent(condition: ConsentIs, d: Definitions) -> Iterator[str]:
    """Says so where "opted in" includes people who never answered."""
    say = d.say
    yield _either((say(STATES[state]) for state in condition.states), say).casefold()
    if ConsentState.OPTED_IN in condition.states and d.is_opt_out(condition.subscription):
        yield say("including by default")
    if condition.since != When():
        yield period(condition.since, say)
    if condition.sources:
        yield _either((say(SOURCES[source]) for source in condition.sources), say)
    if condition.grades:
        yield _either((say(GRADES[grade]) for grade in condition.grades), say)


def _attribute(condition: AttributeIs, d: Definitions) -> str:
    say = d.say
    if condition.op is Op.IS_SET:
        return say("has no value") if condition.is_not else say("has any value")
    patterns = {
        Op.BEGINS: (_("begins with %(values)s"), _("does not begin with %(values)s")),
        Op.FROM: (_("is at least %(values)s"), _("is less than %(values)s")),
        Op.UP_TO: (_("is at most %(values)s"), _("is more than %(values)s")),
    }
    shown = {"true": say("Yes"), "false": say("No")}
    text = _either((shown.get(value, value) for value in condition.values), say)
    if condition.op not in patterns:
        return _is(text, say, condition.is_not)
    return say(patterns[condition.op][condition.is_not], values=text)


def _values(condition: Any, d: Definitions) -> Iterable[str]:
    say = d.say
    match condition:
        case PhoneCountry():
            return map(say.country, condition.countries)
        case UsState():
            return condition.states
        case PhoneType():
            return _said(condition.kinds, PHONE_KINDS, say)
        case RoleIs():
            return _said(condition.roles, ROLES, say)
        case LocaleIs():
            return (language(code, say) for code in condition.locales)
        case TimeZoneIs():
            return condition.zones
        case TagIs():
            return map(d.tag, condition.tags)
    raise TypeError(condition)


def _said(values: Iterable[Any], words: Mapping[Any, str], say: Translator) -> Iterator[str]:
    return (say(words[value]) for value in values)


def _either(words: Iterable[str], say: Translator) -> str:
    return format_list([*words], style="or", locale=say.locale)


def _is(text: str, say: Translator, is_not: bool) -> str:
    return say("is not %(values)s", values=text) if is_not else say("is %(values)s", values=text)


def _not(text: str, say: Translator, is_not: bool) -> str:
    return say("not %(text)s", text=text) if is_not else text
