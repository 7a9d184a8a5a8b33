"""Intercom's search, and what it lacks: search by subscription."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.demo import DEALS, ORDERS
from bot.model.attribute import AttributeType
from bot.model.base import new_id
from bot.model.filter import Filter, RoleIs
from bot.model.teammate import By
from tests.people import ANOTHER, NUMBER
from tests.widget.api.client import ApiClient, Reply
from tests.widget.help import Running

PEOPLE: list[dict[str, Any]] = [
    {"external_id": "u-1", "name": "Ada Lovelace", "email": "ada@shop.example", "phone": NUMBER},
    {"external_id": "u-2", "name": "Bea", "email": "bea@other.example"},
    {"role": "lead", "name": "Cem", "phone": ANOTHER, "last_seen_at": 1_790_000_000},
]
BY = By("x", "X")


async def people(own: Running) -> tuple[ApiClient, dict[str, str]]:
    """Three people in a workspace of their own, by id their first names."""
    api = ApiClient(own, await own.bot.tokens.make((await own.bot.teammates.all())[0], "Test"))
    await own.bot.attributes.create("Cups", AttributeType.NUMBER, BY)
    made = [(await api.post("/contacts", person)).body for person in PEOPLE]
    ada, bea, _ = (person["id"] for person in made)
    await api.post(f"/contacts/{ada}/subscriptions", {"id": DEALS, "consent_type": "opt_in"})
    await api.post(f"/contacts/{bea}/subscriptions", {"id": ORDERS, "consent_type": "opt_out"})
    await api.put(f"/contacts/{bea}", {"custom_attributes": {"cups": 3}})
    tag = await own.bot.tags.create("vip", BY)
    await own.bot.contacts.add_tags([ada], [tag.id])
    segment = await own.bot.segments.save("Leads", Filter.of(RoleIs(roles=("lead",))), BY)
    return api, {**{p["id"]: p["name"].split()[0] for p in made}, "tag": tag.id, "segment": segment.id}


def term(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


def both(operator: str, *terms: Any) -> dict[str, Any]:
    return {"operator": operator, "value": [*terms]}


async def test_each_field_and_operator_finds_whom_it_means(own: Running) -> None:
    api, names = await people(own)
    today = int(datetime.now(UTC).timestamp())
    everybody = ["Ada", "Bea", "Cem"]
    cases: list[tuple[dict[str, Any], list[str]]] = [
        (term("email", "=", "ADA@shop.example".lower()), ["Ada"]),
        (term("email", "!=", "ada@shop.example"), ["Bea", "Cem"]),
        (term("email", "$", "OTHER.example"), ["Bea"]),
        (term("email", "=", None), ["Cem"]),
        (term("name", "~", "love"), ["Ada"]),
        (term("name", "!~", "love"), ["Bea", "Cem"]),
        (term("name", "^", "be"), ["Bea"]),
        (term("name", "~", ".*"), []),
        (term("phone", "=", NUMBER), ["Ada"]),
        (term("external_id", "IN", ["u-1", "u-2", "u-3"]), ["Ada", "Bea"]),
        (term("external_id", "NIN", ["u-1"]), ["Bea", "Cem"]),
        (term("role", "=", "lead"), ["Cem"]),
        (term("tag_id", "=", names["tag"]), ["Ada"]),
        (term("tag_id", "!=", names["tag"]), ["Bea", "Cem"]),
        (term("segment_id", "=", names["segment"]), ["Cem"]),
        (term("custom_attributes.cups", "=", 3), ["Bea"]),
        (term("custom_attributes.cups", ">", 2.5), ["Bea"]),
        (term("custom_attributes.cups", "=", None), ["Ada", "Cem"]),
        (term("created_at", "=", today), everybody),
        (term("created_at", ">", today), []),
        (term("created_at", ">", today - 86_400), everybody),
        (term("created_at", "<", str(today)), []),
        (term("last_seen_at", "=", 1_790_000_000), ["Cem"]),
        (term("opted_in_subscription_types", "=", DEALS), ["Ada"]),
        (term("opted_in_subscription_types", "=", ORDERS), ["Ada", "Cem"]),
        (term("opted_out_subscription_types", "IN", [DEALS, ORDERS]), ["Bea"]),
        (term("unsubscribed_from_sms", "=", False), everybody),
        (both("AND", term("role", "=", "user"), term("name", "^", "b")), ["Bea"]),
        (both("OR", term("name", "=", "Cem"), term("name", "=", "Bea")), ["Bea", "Cem"]),
        (both("AND", term("role", "=", "user"), both("OR", term("name", "^", "B"), term("name", "^", "C"))), ["Bea"]),
    ]  # fmt: skip
    for query, expected in cases:
        reply = await api.post("/contacts/search", {"query": query})
        found = sorted(names[contact["id"]] for contact in reply.body["data"])
        assert (reply.status, found, reply.body["total_count"]) == (200, expected, len(expected)), query
    for order, by_name in (("ascending", everybody), ("descending", everybody[::-1])):
        body = {"query": term("name", "!=", "x"), "sort": {"field": "name", "order": order}}
        reply = await api.post("/contacts/search", body)
        assert [names[contact["id"]] for contact in reply.body["data"]] == by_name


async def test_pages_of_a_search_continue_by_the_body(own: Running) -> None:
    api, names = await people(own)

    async def page(after: str | None) -> Reply:
        paging = {"per_page": 2, **({"starting_after": after} if after else {})}
        return await api.post("/contacts/search", {"query": term("name", "!=", "x"), "pagination": paging})

    first = await page(None)
    assert (first.body["pages"]["total_pages"], first.body["total_count"]) == (2, 3)
    second = await page(first.body["pages"]["next"]["starting_after"])
    assert "next" not in second.body["pages"]
    assert [names[c["id"]] for c in (*first.body["data"], *second.body["data"])] == ["Cem", "Bea", "Ada"]


DEEP = both("AND", both("OR", both("AND", term("role", "=", "user"))))
WRONG = "This operator or value can't be used with"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (term("nickname", "=", "x"), "Unknown field: nickname."),
        (term("custom_attributes.nothing", "=", "x"), "Unknown field: custom_attributes.nothing."),
        (term("name", ">", "x"), f"{WRONG} name."),
        (term("name", "=", 3), f"{WRONG} name."),
        (term("name", "=", {"$gt": ""}), f"{WRONG} name."),
        (term("name", "IN", "x"), f"{WRONG} name."),
        (term("created_at", "~", "2026"), f"{WRONG} created_at."),
        (term("created_at", ">", "yesterday"), f"{WRONG} created_at."),
        (term("created_at", ">", 10**30), f"{WRONG} created_at."),
        (term("role", "=", "admin"), f"{WRONG} role."),
        (term("segment_id", "=", "nothing"), "Unknown segment."),
        (term("opted_in_subscription_types", "=", "nothing"), "Unknown subscription type."),
        (term("tag_id", "~", "x"), f"{WRONG} tag_id."),
        (term("unsubscribed_from_sms", "=", "yes"), f"{WRONG} unsubscribed_from_sms."),
        (DEEP, "Use up to 2 levels of groups."),
    ],
)
async def test_a_search_that_is_wrong_is_told(api: ApiClient, query: Any, message: str) -> None:
    reply = await api.post("/contacts/search", {"query": query})
    assert reply.error == (400, "parameter_invalid", message)


async def test_a_wrong_order_is_told_in_intercom_s_words(api: ApiClient) -> None:
    body = {"query": term("role", "=", "user"), "sort": {"field": "created_at", "order": "desc"}}
    message = "Invalid sort order 'desc'. Must be one of: ascending, descending"
    assert (await api.post("/contacts/search", body)).error == (400, "invalid_sort_order", message)
    body["sort"] = {"field": new_id(), "order": "ascending"}
    assert (await api.post("/contacts/search", body)).body["errors"][0]["field"] == "sort.field"
    wrong = await api.post("/contacts/search", {"query": {"operator": "=", "value": "x"}})
    assert {fault["field"] for fault in wrong.body["errors"]} == {"query.field", "query.operator", "query.value"}


@pytest.mark.parametrize("body", [{}, {"query": {}}, {"query": both("AND")}, {"query": both("XOR", 1)}])
async def test_a_query_of_another_shape_is_refused(api: ApiClient, body: Any) -> None:
    assert (await api.post("/contacts/search", body)).status == 400
