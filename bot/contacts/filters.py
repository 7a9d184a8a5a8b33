"""Compiles a filter to one query over contacts, and says by which index each of its conditions finds people. Pure.

A new condition is a model in `bot/model/filter.py` and a function here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import singledispatch
from typing import Any

from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.addresses import EMAIL, TAKES_TEXTS
from bot.model.attribute import Attribute
from bot.model.base import folded_words
from bot.model.contact import NEVER, ConsentState
from bot.model.filter import (
    AttributeIs,
    ConditionGroup,
    ConsentIs,
    ContactIs,
    Created,
    Filter,
    HasEmail,
    HasPhone,
    LastSeen,
    LocaleIs,
    Match,
    Op,
    PhoneCountry,
    PhoneType,
    RoleIs,
    Rule,
    Stopped,
    TagIs,
    Textable,
    TimeZoneIs,
    UsState,
    When,
)
from bot.model.subscription import ConsentType, MessageType, Subscription

Mongo = dict[str, Any]
CONSENTS, TERMS, STOPPED = "consent_states", "terms_1__id_1", "stopped_newest"
"""The indexes of consents, of search terms, and of stopped numbers."""
UNION = ""
"""Each alternative has an index of its own."""
NOT_GONE: Mongo = {name: {"$exists": False} for name in ("erased_at", "merged_into", "undone_at", "archived_at")}
"""Excludes erased contacts, those merged into another one, those whose import was undone, and archived ones."""
VALID_EMAIL = rf"^(?=.{{1,254}}$){EMAIL.pattern}$"
CLOCKS = timedelta(days=1)
"""How far the clocks of two processes may differ."""
UNKNOWN = _("This filter uses something that no longer exists. Remove that condition and try again.")


@dataclass(frozen=True, slots=True)
class FilterFacts:
    """What the conditions refer to."""

    subscriptions: Mapping[str, Subscription]
    attributes: Mapping[str, Attribute]
    now: datetime

    def subscription(self, id: str) -> Subscription:
        """Raises Invalid."""
        if id not in self.subscriptions:
            raise Invalid(UNKNOWN)
        return self.subscriptions[id]


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition as a query. `index`: the index that finds its matches; None: no index does (`is_not`, or a default
    that most people have), so the index of the sort order is walked."""

    match: Mongo
    index: str | None = None
    words: tuple[str, ...] = ()
    """Of a search."""


@dataclass(frozen=True, slots=True)
class Query:
    clauses: tuple[Clause, ...]
    """All of them must hold."""

    @property
    def match(self) -> Mongo:
        return all_of([*(clause.match for clause in self.clauses), NOT_GONE])

    @property
    def leads(self) -> tuple[Clause, ...]:
        return tuple(clause for clause in self.clauses if clause.index is not None)


def compile(filter: Filter, facts: FilterFacts) -> Query:
    """Raises Invalid: a value can't be read, or it names a subscription or attribute that doesn't exist."""
    groups = [_group(group, facts) for group in filter.groups]
    if filter.match is Match.ANY and len(groups) > 1:
        groups = [(any_of([_both(group) for group in groups]),)]
    words = words_of(filter.query)
    searched = (_words(words),) if words else ()
    return Query((*searched, *(clause for group in groups for clause in group)))


def words_of(query: str) -> list[str]:
    """The words to look for: a number in any format is one word, without the prefixes that are dialed before it."""
    if any(c.isalpha() for c in query) or "@" in query:
        return folded_words(query, most=8)
    digits = "".join(filter(str.isdigit, query))
    if len(digits) > 7:
        digits = digits.removeprefix("011").lstrip("0")
    return [digits] if digits else []


def all_of(matches: Iterable[Mongo]) -> Mongo:
    some = [match for match in matches if match]
    return some[0] if len(some) == 1 else {"$and": some} if some else {}


def any_of(clauses: Sequence[Clause]) -> Clause:
    """By one index if all have it, by several if each has one."""
    if len(clauses) == 1:
        return clauses[0]
    indexes = {clause.index for clause in clauses}
    index = None if None in indexes else indexes.pop() if len(indexes) == 1 else UNION
    return Clause({"$or": [clause.match for clause in clauses]}, index)


def _group(group: ConditionGroup, facts: FilterFacts) -> tuple[Clause, ...]:
    clauses = [_negated(condition, clause_of(condition, facts)) for condition in group.conditions]
    if group.match is Match.ANY:
        return (any_of(clauses),)
    return (*clauses, *_implied(group.conditions, facts))


def _implied(conditions: Iterable[Rule], facts: FilterFacts) -> Iterator[Clause]:
    """Nobody is seen before they are created: the order by creation begins where they can be."""
    for condition in conditions:
        if isinstance(condition, LastSeen) and not (condition.is_not or condition.is_never):
            end = _range(condition.when, facts.now).get("$lt")
            yield from [Clause({"created_at": {"$lt": end + CLOCKS}})] if end else []


def _negated(condition: Rule, clause: Clause) -> Clause:
    return Clause({"$nor": [clause.match]}) if condition.is_not else clause


def _both(clauses: Sequence[Clause]) -> Clause:
    """A group as one clause: the index of any of its conditions leads to all of its people."""
    index = next((clause.index for clause in clauses if clause.index is not None), None)
    return Clause(all_of(clause.match for clause in clauses), index)


def _words(words: Sequence[str]) -> Clause:
    """Each begins a term. The longest comes first: it matches the fewest people."""
    some = tuple(sorted(words, key=len, reverse=True))
    return Clause(all_of(begins(word) for word in some), TERMS, some)


def begins(word: str) -> Mongo:
    """Of letters and digits. Unlike a range it needs no look at the document."""
    return {"terms": {"$regex": f"^{word}"}}


@singledispatch
def clause_of(condition: Rule, facts: FilterFacts) -> Clause:
    raise NotImplementedError(condition)


@clause_of.register
def _consent(condition: ConsentIs, facts: FilterFacts) -> Clause:
    subscription = facts.subscription(condition.subscription)
    states, since = set(condition.states), _range(condition.since, facts.now)
    is_plain = not (condition.sources or condition.grades or since)
    by_default = ConsentState.OPTED_IN in states and subscription.consent_type is ConsentType.OPT_OUT
    if is_plain and (by_default or ConsentState.NONE in states):
        others = [state for state in ConsentState if state not in {*states, ConsentState.NONE}]
        return Clause(_no_consent({"subscription": subscription.id, "state": {"$in": others}}))
    held: Mongo = {"subscription": subscription.id, "state": one_of(sorted(states))}
    held |= {"at": since} if since else {}
    held |= {"source": one_of(condition.sources)} if condition.sources else {}
    held |= {"evidence": one_of(condition.grades)} if condition.grades else {}
    return Clause({"consents": {"$elemMatch": held}}, CONSENTS)


@clause_of.register
def _textable(condition: Textable, facts: FilterFacts) -> Clause:
    """As `bot.consent.permission` decides it, and the person's own pause."""
    subscription = facts.subscription(condition.subscription)
    is_sms = subscription.message_type is MessageType.SMS
    address: Mongo = {"phone_facts.kind": one_of(TAKES_TEXTS)} if is_sms else {"email": {"$regex": VALID_EMAIL}}
    free = [{"stopped": {"$ne": True}}, _not_revoked(subscription), {"paused_until": {"$not": {"$gt": facts.now}}}]
    reached = all_of([address, *(free if is_sms else [])])
    if not subscription.is_live:
        return Clause({"_id": {"$in": []}}, "_id_")
    if subscription.consent_type is ConsentType.OPT_OUT:
        out = _no_consent({"subscription": subscription.id, "state": ConsentState.OPTED_OUT})
        return Clause(all_of([reached, out]), "phone_facts.kind" if is_sms else "email")
    yes: Mongo = {"subscription": subscription.id, "state": ConsentState.OPTED_IN, "reaches": True}
    graded = {"evidence": one_of(sorted(subscription.sends_on))}
    return Clause(all_of([{"consents": {"$elemMatch": {**yes, **graded}}}, reached]), CONSENTS)


@clause_of.register
def _phone_country(condition: PhoneCountry, facts: FilterFacts) -> Clause:
    return _value("phone_facts.country", condition.countries)


@clause_of.register
def _us_state(condition: UsState, facts: FilterFacts) -> Clause:
    return _value("phone_facts.state", condition.states)


@clause_of.register
def _phone_type(condition: PhoneType, facts: FilterFacts) -> Clause:
    return _value("phone_facts.kind", condition.kinds)


@clause_of.register
def _has_phone(condition: HasPhone, facts: FilterFacts) -> Clause:
    return Clause({"phone": {"$gt": ""}}, "phone_1__id_1")


@clause_of.register
def _has_email(condition: HasEmail, facts: FilterFacts) -> Clause:
    return Clause({"email": {"$gt": ""}}, "email")


@clause_of.register
def _stopped(condition: Stopped, facts: FilterFacts) -> Clause:
    return Clause({"stopped": True}, STOPPED)


@clause_of.register
def _role(condition: RoleIs, facts: FilterFacts) -> Clause:
    return _value("role", condition.roles)


@clause_of.register
def _locale(condition: LocaleIs, facts: FilterFacts) -> Clause:
    return _value("locale", condition.locales)


@clause_of.register
def _time_zone(condition: TimeZoneIs, facts: FilterFacts) -> Clause:
    return _value("time_zone", condition.zones)


@clause_of.register
def _last_seen(condition: LastSeen, facts: FilterFacts) -> Clause:
    seen = NEVER if condition.is_never else {"$gt": NEVER, **_range(condition.when, facts.now)}
    return Clause({"seen_key": seen}, "seen_key")


@clause_of.register
def _created(condition: Created, facts: FilterFacts) -> Clause:
    return Clause({"created_at": _range(condition.when, facts.now) or {"$gt": NEVER}}, "created_at")


@clause_of.register
def _tag(condition: TagIs, facts: FilterFacts) -> Clause:
    return _value("tags", condition.tags)


@clause_of.register
def _contact(condition: ContactIs, facts: FilterFacts) -> Clause:
    return Clause({"_id": one_of(condition.ids)}, "_id_")


@clause_of.register
def _attribute(condition: AttributeIs, facts: FilterFacts) -> Clause:
    attribute = facts.attributes.get(condition.key)
    if attribute is None:
        raise Invalid(UNKNOWN)
    values = [value for text in condition.values if (value := attribute.read(text)) is not None]
    if condition.op is Op.IS_SET:
        wanted: Any = {"$exists": True}
    elif not values:
        raise Invalid(_("Enter a value."))
    elif condition.op is Op.IS:
        wanted = one_of(values)
    elif condition.op is Op.BEGINS:
        wanted = {"$gte": str(values[0]), "$lt": f"{values[0]}\uffff"}
    else:
        wanted = {"$gte" if condition.op is Op.FROM else "$lte": values[0]}
    return Clause({f"attributes.{condition.key}": wanted}, "attributes")


def _value(field: str, values: Sequence[str]) -> Clause:
    return Clause({field: one_of(values)}, field)


def one_of(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else {"$in": list(values)}


def _no_consent(match: Mongo) -> Mongo:
    return {"consents": {"$not": {"$elemMatch": match}}}


def _not_revoked(subscription: Subscription) -> Mongo:
    """A STOP ended every yes for the number, also after it was lifted. Few numbers were ever stopped."""
    is_yes = {"$in": ["$$c.state", [ConsentState.OPTED_IN, ConsentState.PENDING]]}
    is_earlier = {"$lt": ["$$c.at", "$stop_lifted_at"]}
    revoked = {"$and": [{"$eq": ["$$c.subscription", subscription.id]}, is_yes, is_earlier]}
    some = {"$filter": {"input": "$consents", "as": "c", "cond": revoked}}
    return {"$or": [{"stop_lifted_at": {"$exists": False}}, {"$expr": {"$eq": [some, []]}}]}


def _range(when: When, now: datetime) -> Mongo:
    """The latest beginning and the earliest end."""
    begins = [_instant(when.after)] if when.after else []
    begins += [now - timedelta(days=when.within_days)] if when.within_days is not None else []
    ends = [_instant(when.before)] if when.before else []
    ends += [now - timedelta(days=when.beyond_days)] if when.beyond_days is not None else []
    return {**({"$gte": max(begins)} if begins else {}), **({"$lt": min(ends)} if ends else {})}


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
