"""Intercom's search of conversations, as conditions and the indexes that answer them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.contacts.filters import Clause, Query
from bot.contacts.query_terms import Reader, Term, Terms, clauses_of, moment_of, one_of, unknown, values_of, wrong
from bot.model.conversation import Channel, ConversationState

IN_INBOX = {"begun": True, "erased_at": {"$exists": False}}
"""Somebody wrote in them. The indexes hold only these."""
BY_STATE, BY_ASSIGNEE = "state_1_rank_-1__id_-1", "assignee_1_state_1_rank_-1__id_-1"
IDS: Mapping[str, tuple[str, str]] = {
    "id": ("_id", "_id_"),
    "contact_ids": ("contact", "contact_1_updated_at_-1__id_-1"),
    "tag_ids": ("tags.tag", "tags.tag_1_updated_at_-1__id_-1"),
}
"""Field and index by the name in a query."""
TIMES: Mapping[str, tuple[str, str]] = {
    "created_at": ("created_at", "created_at_-1__id_-1"),
    "updated_at": ("updated_at", "updated_at_-1__id_-1"),
    "snoozed_until": ("snoozed_until", "snoozed_until_1"),
}
SOURCES = {"conversation": Channel.CHAT, "sms": Channel.SMS}
FIELDS = (*IDS, *TIMES, "admin_assignee_id", "state", "open", "source.type")


def conversation_query(wanted: Term | Terms) -> Query:
    """Raises SearchInvalid."""
    return Query(clauses_of(wanted, _read))


def _read(term: Term) -> Clause:
    if term.field in IDS:
        name, index = IDS[term.field]
        return Clause({name: one_of([_text(value, term) for value in values_of(term, str, int)])}, index)
    if term.field in TIMES:
        return _time(term)
    if term.field not in READERS:
        raise unknown(term)
    return READERS[term.field](term)


def _text(value: Any, term: Term) -> str:
    if value is None:
        raise wrong(term)
    return str(value)


def _time(term: Term) -> Clause:
    """To the second. Intercom's `>` and `<` include the time itself."""
    name, index = TIMES[term.field]
    compared = {">": "$gte", ">=": "$gte", "<": "$lte", "<=": "$lte", "=": "$eq"}.get(term.operator)
    if term.value is None and term.operator == "=":
        return Clause({name: {"$exists": False}})
    if compared is None:
        raise wrong(term)
    time = moment_of(term)
    end = time.replace(microsecond=999_000)
    bounds = {"$gte": time} if compared == "$gte" else {"$lte": end}
    return Clause({name: {"$gte": time, "$lte": end} if compared == "$eq" else bounds}, index)


def _assignee(term: Term) -> Clause:
    """`0` and null: nobody."""
    values = ["" if value in {None, 0, "0"} else str(value) for value in values_of(term, str, int)]
    return Clause({"assignee": one_of(values)}, BY_ASSIGNEE)


def _state(term: Term) -> Clause:
    values = values_of(term, str)
    if not {*values} <= {*ConversationState}:
        raise wrong(term)
    return Clause({"state": one_of(values)}, BY_STATE)


def _open(term: Term) -> Clause:
    if term.operator != "=" or type(term.value) is not bool:
        raise wrong(term)
    return Clause({"state": {"$ne": ConversationState.CLOSED} if term.value else ConversationState.CLOSED})


def _source(term: Term) -> Clause:
    values = values_of(term, str)
    if not {*values} <= {*SOURCES}:
        raise wrong(term)
    return Clause({"channel": one_of([SOURCES[value] for value in values])})


READERS: Mapping[str, Reader] = {
    "admin_assignee_id": _assignee,
    "state": _state,
    "open": _open,
    "source.type": _source,
}
