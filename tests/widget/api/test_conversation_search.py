"""Searching and tagging conversations, and replying as the contact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.model.base import new_id
from bot.model.teammate import Teammate
from tests.conftest import Visitor
from tests.widget.api.client import ApiClient
from tests.widget.api.test_conversations import written
from tests.widget.help import Running


def term(field: str, value: Any, operator: str = "=") -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


@pytest.fixture
async def three(running: Running, newcomer: Callable[[], Visitor]) -> list[tuple[str, str]]:
    """Conversations and their contacts, the oldest first."""
    found = []
    for _ in range(3):
        await (person := newcomer()).open()
        found.append((await written(running, person), (await running.contact(person)).id))
    return found


async def search(api: ApiClient, query: dict[str, Any], **more: Any) -> list[str]:
    reply = await api.post("/conversations/search", {"query": query, **more})
    assert reply.status == 200, reply
    return [one["id"] for one in reply.body["conversations"]]


async def test_conversations_are_found_by_their_fields(
    api: ApiClient, admin: Teammate, three: list[tuple[str, str]]
) -> None:
    (first, ada), (second, ben), (third, cleo) = three
    theirs = term("contact_ids", [ada, ben, cleo], "IN")
    await api.post(f"/conversations/{first}/parts", {"message_type": "close"})
    await api.post(f"/conversations/{second}/parts", {"message_type": "assignment", "assignee_id": admin.id})
    tag = (await api.post("/tags", {"name": new_id()})).body
    await api.post(f"/conversations/{third}/tags", {"id": tag["id"], "admin_id": admin.id})

    async def of_theirs(*terms: dict[str, Any]) -> set[str]:
        return {*await search(api, {"operator": "AND", "value": [theirs, *terms]})}

    assert await search(api, term("id", second)) == [second]
    assert await search(api, term("contact_ids", cleo)) == [third]
    assert await search(api, term("tag_ids", tag["id"])) == [third]
    assert await of_theirs(term("state", "closed")) == {first}
    assert await of_theirs(term("open", True)) == {second, third}
    assert await of_theirs(term("admin_assignee_id", admin.id)) == {second}
    assert await of_theirs(term("admin_assignee_id", 0)) == {first, third}
    assert await of_theirs(term("source.type", "sms")) == set()
    assert await of_theirs(term("updated_at", 1, ">")) == {first, second, third}
    either = {"operator": "OR", "value": [term("state", "closed"), term("tag_ids", tag["id"])]}
    assert await of_theirs(either) == {first, third}


async def test_results_are_sorted_and_paged_by_a_cursor_in_the_body(
    api: ApiClient, three: list[tuple[str, str]]
) -> None:
    ids, query = [id for id, _ in three], term("contact_ids", [contact for _, contact in three], "IN")
    rising = {"field": "created_at", "order": "ascending"}
    assert await search(api, query) == ids[::-1]
    assert await search(api, query, sort=rising) == ids
    first = (await api.post("/conversations/search", {"query": query, "pagination": {"per_page": 2}})).body
    assert (first["total_count"], first["pages"]["total_pages"]) == (3, 2)
    after = {"per_page": 2, "starting_after": first["pages"]["next"]["starting_after"]}
    assert await search(api, query, pagination=after) == ids[:1]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": term("source.body", "fresh")}, "parameter_invalid"),
        ({"query": term("state", "waiting")}, "parameter_invalid"),
        ({"query": term("open", True), "sort": {"field": "rank"}}, "parameter_invalid"),
        ({"query": term("open", True), "sort": {"order": "desc"}}, "invalid_sort_order"),
        ({"query": term("open", True), "pagination": {"starting_after": "2:x"}}, "parameter_invalid"),
        ({}, "parameter_missing"),
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(api: ApiClient, body: dict[str, Any], code: str) -> None:
    reply = await api.post("/conversations/search", body)
    assert (reply.status, {*reply.codes}) == (400, {code})


async def test_a_conversation_is_tagged_once_and_untagged(
    api: ApiClient, admin: Teammate, three: list[tuple[str, str]]
) -> None:
    path, tag = f"/conversations/{three[0][0]}", (await api.post("/tags", {"name": new_id()})).body
    first, again = [await api.post(f"{path}/tags", {"id": tag["id"], "admin_id": admin.id}) for _ in range(2)]
    assert first.body == again.body
    assert (first.body["name"], first.body["applied_by"]) == (tag["name"], {"type": "admin", "id": admin.id})
    assert (await api.get(path)).body["tags"] == {"type": "tag.list", "tags": [first.body]}
    removed = await api.delete(f"{path}/tags/{tag['id']}")
    assert removed.body == first.body
    assert (await api.get(path)).body["tags"]["tags"] == []
    assert (await api.post(f"{path}/tags", {"id": "nothing"})).status == 404
    assert (await api.post("/conversations/nothing/tags", {"id": tag["id"]})).status == 404
    assert (await api.post(f"{path}/tags", {"id": tag["id"], "admin_id": new_id()})).status == 404


async def test_a_program_replies_as_the_contact(api: ApiClient, three: list[tuple[str, str]]) -> None:
    (id, contact), (_, other) = three[:2]
    said = {"type": "user", "message_type": "comment", "body": "And the <b>Guji</b>?"}
    reply = await api.post(f"/conversations/{id}/reply", {**said, "intercom_user_id": contact})
    part = reply.body["conversation_parts"]["conversation_parts"][-1]
    assert (part["body"], part["author"]["id"]) == ("<p>And the &lt;b&gt;Guji&lt;/b&gt;?</p>", contact)
    wrong = await api.post(f"/conversations/{id}/reply", {**said, "intercom_user_id": other})
    assert wrong.error == (404, "not_found", "User Not Found")
    for body in (said, {**said, "message_type": "note", "user_id": "x"}, {**said, "type": "admin", "email": "x"}):
        assert (await api.post(f"/conversations/{id}/reply", body)).status == 400


async def test_a_conversation_is_marked_as_read(running: Running, api: ApiClient, three: list[tuple[str, str]]) -> None:
    id = three[0][0]
    assert (await running.bot.inbox.get(id)).is_unread
    assert (await api.get(f"/conversations/{id}")).body["read"] is False
    assert (await api.put(f"/conversations/{id}", {"read": True})).body["read"] is True
    assert not (await running.bot.inbox.get(id)).is_unread
    assert (await api.put(f"/conversations/{id}", {"read": False})).status == 400
