"""Intercom's search of contacts: its query language as clauses of our finder, with our own fields of consent. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.contacts.filters import STOPPED, Clause, FilterFacts, Query, all_of, any_of, clause_of, compile
from bot.contacts.query_terms import Term, Terms, clauses_of, moment_of, one_of, unknown, values_of, wrong
from bot.errors import Invalid, SearchInvalid
from bot.model.attribute import Attribute
from bot.model.contact import ConsentState, Role
from bot.model.filter import ConsentIs, Filter

DAY = timedelta(days=1)
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
class SearchFacts:
    filter: FilterFacts
    segments: Mapping[str, Filter] = field(default_factory=dict)


def search_query(wanted: Term | Terms, facts: SearchFacts) -> Query:
    """Raises SearchInvalid."""
    return Query(clauses_of(wanted, lambda term: _read_term(term, facts)))


def _read_term(term: Term, facts: SearchFacts) -> Clause:
    name, _dot, key = term.field.partition(".")
    if name == "custom_attributes" and key:
        return _attribute(term, key, facts)
    for fields, read in READERS:
        if term.field in fields:
            return read(term, facts)
    raise unknown(term)


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
        raise wrong(term)
    return {"$regex": pattern.format(re.escape(term.value)), "$options": "i"}


def _one_of(term: Term, *kinds: type) -> Any:
    """The value, or one of several. An email address also in small letters."""
    values = values_of(term, *kinds)
    if term.field == "email":
        values = list(dict.fromkeys(v for value in values for v in (value, value and value.casefold())))
    return one_of(values)


def _id(term: Term, facts: SearchFacts) -> Clause:
    return Clause({"_id": _of_ids(term)}, "_id_")


def _of_ids(term: Term) -> Any:
    return _one_of(term, str)


def _role(term: Term, facts: SearchFacts) -> Clause:
    match = _of_ids(term)
    if term.operator == "=" and match not in [*Role]:
        raise wrong(term)
    return Clause({"role": match}, "role")


def _time(term: Term, facts: SearchFacts) -> Clause:
    """Of whole days in UTC, as Intercom's are of the workspace's."""
    name, index = TIMES[term.field]
    if term.value is None and term.operator == "=":
        return Clause({name: {"$exists": False}})
    day = _day(term)
    ranges = {"=": {"$gte": day, "$lt": day + DAY}, ">": {"$gte": day + DAY}, "<": {"$lt": day}}
    if term.operator not in ranges:
        raise wrong(term)
    return Clause({name: ranges[term.operator]}, index)


def _day(term: Term) -> datetime:
    return moment_of(term).replace(hour=0, minute=0, second=0, microsecond=0)


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
        raise wrong(term)
    return Clause({"stopped": True}, STOPPED) if term.value else Clause({"stopped": {"$ne": True}})


def _attribute(term: Term, key: str, facts: SearchFacts) -> Clause:
    attribute = facts.filter.attributes.get(key)
    if attribute is None:
        raise unknown(term)
    path = f"attributes.{key}"
    if term.value is None and term.operator == "=":
        return Clause({path: {"$exists": False}})
    compared = {">": "$gt", "<": "$lt", ">=": "$gte", "<=": "$lte"}.get(term.operator)
    if compared:
        return Clause({path: {compared: _read(attribute, term, term.value)}}, "attributes")
    if term.operator in {"=", "IN"}:
        values = term.value if term.operator == "IN" else [term.value]
        if not isinstance(values, list) or not 0 < len(values) <= 100:
            raise wrong(term)
        return Clause({path: {"$in": [_read(attribute, term, value) for value in values]}}, "attributes")
    return Clause({path: _matched(term, str)})


def _read(attribute: Attribute, term: Term, value: Any) -> Any:
    try:
        read = attribute.read(attribute.text_of(value)) if type(value) in {str, int, float, bool} else None
    except Invalid:
        read = None
    if read is None:
        raise wrong(term)
    return read


FactReader = Callable[[Term, SearchFacts], Clause]
READERS: Sequence[tuple[Mapping[str, Any] | set[str], FactReader]] = (
    (TEXTS, _text),
    (TIMES, _time),
    (SUBSCRIBED, _subscribed),
    ({"id"}, _id),
    ({"role"}, _role),
    ({"tag_id"}, _tag),
    ({"segment_id"}, _segment),
    ({"unsubscribed_from_sms"}, _stopped),
)
