"""The query language of Intercom's searches: conditions and groups of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.contacts.filters import Clause, all_of
from bot.errors import SearchInvalid

MOST_LEVELS, MOST_PARTS = 2, 15
"""Nested groups, and conditions of a group."""
MOST_VALUES = 1000
NEGATED = {"!=": "=", "NIN": "IN", "!~": "~"}


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


Reader = Callable[[Term], Clause]
"""Reads one condition that isn't negated. Raises SearchInvalid."""


def clauses_of(wanted: Term | Terms, read: Reader) -> tuple[Clause, ...]:
    """All of them must hold. Raises SearchInvalid."""
    if isinstance(wanted, Terms) and not wanted.is_any:
        _check(wanted, 1)
        return tuple(_part(part, read, 2) for part in wanted.parts)
    return (_part(wanted, read, 1),)


def _part(wanted: Term | Terms, read: Reader, level: int) -> Clause:
    if isinstance(wanted, Term):
        return _term(wanted, read)
    _check(wanted, level)
    clauses = [_part(part, read, level + 1) for part in wanted.parts]
    if wanted.is_any:
        return Clause({"$or": [clause.match for clause in clauses]})
    return Clause(all_of(clause.match for clause in clauses))


def _check(group: Terms, level: int) -> None:
    if level > MOST_LEVELS:
        raise SearchInvalid(f"Use up to {MOST_LEVELS} levels of groups.")
    if not 0 < len(group.parts) <= MOST_PARTS:
        raise SearchInvalid(f"Use 1 to {MOST_PARTS} conditions in a group.")


def _term(term: Term, read: Reader) -> Clause:
    if (operator := NEGATED.get(term.operator)) is not None:
        return Clause({"$nor": [read(Term(term.field, operator, term.value)).match]})
    return read(term)


def values_of(term: Term, *kinds: type) -> list[Any]:
    """Of `=` or `IN`, of these kinds or null. Raises SearchInvalid."""
    if term.operator not in {"=", "IN"}:
        raise wrong(term)
    values = term.value if term.operator == "IN" else [term.value]
    if not isinstance(values, list) or not 0 < len(values) <= MOST_VALUES:
        raise wrong(term)
    if any(value is not None and type(value) not in kinds for value in values):
        raise wrong(term)
    return values


def one_of(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else {"$in": [*values]}


def moment_of(term: Term) -> datetime:
    """Unix seconds, as a number or its digits. Raises SearchInvalid."""
    value = int(term.value) if isinstance(term.value, str) and re.fullmatch(r"\d{1,11}", term.value) else term.value
    if type(value) is not int or not 0 <= value < 253_000_000_000:
        raise wrong(term)
    return datetime.fromtimestamp(value, UTC)


def wrong(term: Term) -> SearchInvalid:
    return SearchInvalid(f"This operator or value can't be used with {term.field[:100]}.")


def unknown(term: Term) -> SearchInvalid:
    return SearchInvalid(f"Unknown field: {term.field[:100]}.")
