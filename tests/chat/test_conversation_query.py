"""Intercom's search of conversations, as conditions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.chat.conversation_query import conversation_query
from bot.contacts.filters import all_of
from bot.contacts.query_terms import Term, Terms
from bot.errors import SearchInvalid

TIME = datetime(2026, 11, 23, 9, 41, tzinfo=UTC)
END = TIME.replace(microsecond=999_000)
SECONDS = int(TIME.timestamp())


@pytest.mark.parametrize(
    ("term", "match"),
    [
        (Term("id", "=", "c1"), {"_id": "c1"}),
        (Term("contact_ids", "IN", ["ada", 7]), {"contact": {"$in": ["ada", "7"]}}),
        (Term("tag_ids", "!=", "vip"), {"$nor": [{"tags.tag": "vip"}]}),
        (Term("admin_assignee_id", "=", 0), {"assignee": ""}),
        (Term("admin_assignee_id", "NIN", [None, "ben"]), {"$nor": [{"assignee": {"$in": ["", "ben"]}}]}),
        (Term("state", "=", "closed"), {"state": "closed"}),
        (Term("open", "=", True), {"state": {"$ne": "closed"}}),
        (Term("open", "=", False), {"state": "closed"}),
        (Term("source.type", "IN", ["sms", "conversation"]), {"channel": {"$in": ["sms", "chat"]}}),
        (Term("updated_at", ">", SECONDS), {"updated_at": {"$gte": TIME}}),
        (Term("created_at", "<", str(SECONDS)), {"created_at": {"$lte": END}}),
        (Term("created_at", "=", SECONDS), {"created_at": {"$gte": TIME, "$lte": END}}),
        (Term("snoozed_until", "=", None), {"snoozed_until": {"$exists": False}}),
    ],
)
def test_a_condition_finds_what_it_says(term: Term, match: dict[str, Any]) -> None:
    assert all_of(clause.match for clause in conversation_query(term).clauses) == match


@pytest.mark.parametrize(
    "term",
    [
        Term("source.body", "=", "hello"),
        Term("statistics.count_reopens", ">", 2),
        Term("state", "=", "waiting"),
        Term("state", "~", "open"),
        Term("open", "=", "true"),
        Term("contact_ids", "=", None),
        Term("contact_ids", "IN", []),
        Term("tag_ids", "=", {"$gt": ""}),
        Term("created_at", ">", "yesterday"),
        Term("created_at", "~", SECONDS),
        Term("created_at", "=", True),
    ],
)
def test_other_fields_operators_and_values_are_refused(term: Term) -> None:
    with pytest.raises(SearchInvalid):
        conversation_query(term)


def test_groups_nest_once_and_only_conditions_that_all_must_hold_lead() -> None:
    closed, mine = Term("state", "=", "closed"), Term("contact_ids", "=", "ada")
    found = conversation_query(Terms(False, [mine, Terms(True, [closed, Term("open", "=", True)])]))
    assert [clause.index for clause in found.leads] == ["contact_1_updated_at_-1__id_-1"]
    assert found.clauses[1].match == {"$or": [{"state": "closed"}, {"state": {"$ne": "closed"}}]}
    with pytest.raises(SearchInvalid):
        conversation_query(Terms(False, [Terms(True, [Terms(False, [closed])])]))
