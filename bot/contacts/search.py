"""Intercom's search of contacts: its query language as clauses of our finder, with our own fields of consent. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.contacts.filters import Clause, FilterFacts, Query, all_of, any_of, clause_of, compile
from bot.errors import Invalid, SearchInvalid
from bot.model.attribute import Attribute
from bot.model.contact import ConsentState, Role
from bot.model.filter import ConsentIs, Filter

MOST_LEVELS, MOST_PARTS = 2, 15
"""Nested groups, and conditions of a group."""
DAY = timedelta(days=1)
NEGATED = {"!=": "=", "NIN": "IN", "!~": "~"}
TEXTS: Mapping[str, tuple[str, str | None]] = {
    "name": ("name", None),
    "email": ("email", "email"),
    "phone": ("phone", "phone_1__id_1"),
    "external_id": ("external_id", "external_id_1"),
    "language_override": ("locale", "locale"),
}
"""Field and index by the name in a query."""
TIMES: Mapping[str, tuple[str, str | None]] = {
    "created_at": ("created_at", "created_at"),
    "updated_at": ("updated_at", None),
    "last_seen_at": ("last_seen_at", None),
}
SUBSCRIBED = {
    "opted_in_subscription_types": ConsentState.OPTED_IN,
    "opted_out_subscription_types": ConsentState.OPTED_OUT,
    "pending_subscription_types": ConsentState.PENDING,
}
"""Ours: Intercom can't search by subscription. Opted in to an opt-out type is everybody who didn't opt out of it."""


@dataclass(frozen=True, slots=True)
class Term:
    """`field operator value`."""

    field: str
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Terms:
    """All of the parts (`AND`), or any of them (`OR`)."""

    is_any: bool
    parts: Sequence[Term | Terms]


@dataclass(frozen=True, slots=True)
class SearchFacts:
    filter: FilterFacts
    segments: Mapping[str, Filter] = field(default_factory=dict)


def search_query(wanted: Term | Terms, facts: SearchFacts) -> Query:
    """Raises SearchInvalid."""
    if isinstance(wanted, Terms) and not wanted.is_any:
        _check(wanted, 1)
        return Query(tuple(_part(part, facts, 2) for part in wanted.parts))
    return Query((_part(wanted, facts, 1),))


def _part(wanted: Term | Terms, facts: SearchFacts, level: int) -> Clause:
    if isinstance(wanted, Term):
        return _term(wanted, facts)
    _check(wanted, level)
    clauses = [_part(part, facts, level + 1) for part in wanted.parts]
    if wanted.is_any:
        return Clause({"$or": [clause.match for clause in clauses]})
    return Clause(all_of(clause.match for clause in clauses))


def _check(group: Terms, level: int) -> None:
    if level > MOST_LEVELS:
        raise SearchInvalid(f"Use up to {MOST_LEVELS} levels of groups.")
    if not 0 < len(group.parts) <= MOST_PARTS:
        raise SearchInvalid(f"Use 1 to {MOST_PARTS} conditions in a group.")


def _term(term: Term, facts: SearchFacts) -> Clause:
    if (operator := NEGATED.get(term.operator)) is not None:
        return Clause({"$nor": [_term(Term(term.field, operator, term.value), facts).match]})
    name, _dot, key = term.field.partition(".")
    if name == "custom_attributes" and key:
        return _attribute(term, key, facts)
    for fields, read in READERS:
        if term.field in fields:
            return read(term, facts)
    raise SearchInvalid(f"Unknown field: {term.field[:100]}.")


def _text(term: Term, facts: SearchFacts) -> Clause:
    name, index = TEXTS[term.field]
    match = _matched(term, str)
    return Clause({name: match}, index if term.operator in {"=", "IN"} and match is not None else None)


def _matched(term: Term, *kinds: type) -> Any:
    """What a field with this value matches. Raises SearchInvalid."""
    if term.operator in {"=", "IN"}:
        return _one_of(term, *kinds)
    pattern = {"~": "{}", "^": "^{}", "$": "{}$"}.get(term.operator)
    if pattern is None or not isinstance(term.value, str) or not term.value:
        raise _wrong(term)
    return {"$regex": pattern.format(re.escape(term.value)), "$options": "i"}


def _one_of(term: Term, *kinds: type) -> Any:
    """The value, or one of several. An email address also in small letters."""
    values = term.value if term.operator == "IN" else [term.value]
    if not isinstance(values, list) or not 0 < len(values) <= 1000:
        raise _wrong(term)
    if any(value is not None and type(value) not in kinds for value in values):
        raise _wrong(term)
    if term.field == "email":
        values = list(dict.fromkeys(v for value in values for v in (value, value and value.casefold())))
    return values[0] if len(values) == 1 else {"$in": values}


def _id(term: Term, facts: SearchFacts) -> Clause:
    return Clause({"_id": _of_ids(term)}, "_id_")


def _of_ids(term: Term) -> Any:
    if term.operator not in {"=", "IN"}:
        raise _wrong(term)
    return _one_of(term, str)


def _role(term: Term, facts: SearchFacts) -> Clause:
    match = _of_ids(term)
    if term.operator == "=" and match not in [*Role]:
        raise _wrong(term)
    return Clause({"role": match}, "role")


def _time(term: Term, facts: SearchFacts) -> Clause:
    """Of whole days in UTC, as Intercom's are of the workspace's."""
    name, index = TIMES[term.field]
    if term.value is None and term.operator == "=":
        return Clause({name: {"$exists": False}})
    day = _day(term)
    ranges = {"=": {"$gte": day, "$lt": day + DAY}, ">": {"$gte": day + DAY}, "<": {"$lt": day}}
    if term.operator not in ranges:
        raise _wrong(term)
    return Clause({name: ranges[term.operator]}, index)


def _day(term: Term) -> datetime:
    value = int(term.value) if isinstance(term.value, str) and re.fullmatch(r"\d{1,11}", term.value) else term.value
    if type(value) is not int or not 0 <= value < 253_000_000_000:
        raise _wrong(term)
    return datetime.fromtimestamp(value, UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _tag(term: Term, facts: SearchFacts) -> Clause:
    return Clause({"tags": _of_ids(term)}, "tags")


def _segment(term: Term, facts: SearchFacts) -> Clause:
    if term.operator != "=" or term.value not in facts.segments:
        raise SearchInvalid("Unknown segment.")
    clauses = compile(facts.segments[term.value], facts.filter).clauses
    index = next((clause.index for clause in clauses if clause.index), None)
    return Clause(all_of(clause.match for clause in clauses), index)


def _subscribed(term: Term, facts: SearchFacts) -> Clause:
    match, state = _of_ids(term), SUBSCRIBED[term.field]
    ids = match["$in"] if isinstance(match, dict) else [match]
    if not {*ids} <= {*facts.filter.subscriptions}:
        raise SearchInvalid("Unknown subscription type.")
    return any_of([clause_of(ConsentIs(subscription=id, states=(state,)), facts.filter) for id in ids])


def _stopped(term: Term, facts: SearchFacts) -> Clause:
    if term.operator != "=" or type(term.value) is not bool:
        raise _wrong(term)
    return Clause({"stopped": True}, "stopped") if term.value else Clause({"stopped": {"$ne": True}})


def _attribute(term: Term, key: str, facts: SearchFacts) -> Clause:
    attribute = facts.filter.attributes.get(key)
    if attribute is None:
        raise SearchInvalid(f"Unknown field: {term.field[:100]}.")
    path = f"attributes.{key}"
    if term.value is None and term.operator == "=":
        return Clause({path: {"$exists": False}})
    compared = {">": "$gt", "<": "$lt", ">=": "$gte", "<=": "$lte"}.get(term.operator)
    if compared:
        return Clause({path: {compared: _read(attribute, term, term.value)}}, "attributes")
    if term.operator in {"=", "IN"}:
        values = term.value if term.operator == "IN" else [term.value]
        if not isinstance(values, list) or not 0 < len(values) <= 100:
            raise _wrong(term)
        return Clause({path: {"$in": [_read(attribute, term, value) for value in values]}}, "attributes")
    return Clause({path: _matched(term, str)})


def _read(attribute: Attribute, term: Term, value: Any) -> Any:
    try:
        read = attribute.read(attribute.text_of(value)) if type(value) in {str, int, float, bool} else None
    except Invalid:
        read = None
    if read is None:
        raise _wrong(term)
    return read


def _wrong(term: Term) -> SearchInvalid:
    return SearchInvalid(f"This operator or value can't be used with {term.field[:100]}.")


Reader = Callable[[Term, SearchFacts], Clause]
READERS: Sequence[tuple[Mapping[str, Any] | set[str], Reader]] = (
    (TEXTS, _text),
    (TIMES, _time),
    (SUBSCRIBED, _subscribed),
    ({"id"}, _id),
    ({"role"}, _role),
    ({"tag_id"}, _tag),
    ({"segment_id"}, _segment),
    ({"unsubscribed_from_sms"}, _stopped),
)
