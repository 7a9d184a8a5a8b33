"""Intercom's routes of conversations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.model.base import new_id
from bot.model.teammate import Teammate
from tests.conftest import Visitor
from tests.widget.api.client import ApiClient
from tests.widget.help import Running


async def written(running: Running, person: Visitor, text: str = "Is it <b>fresh</b>?") -> str:
    """The id of the chat in which they wrote this."""
    await running.act(person)
    await running.bot.say(await running.chat(person), text, new_id())
    return person.conversation


async def test_a_conversation_is_found_with_its_parts(running: Running, api: ApiClient, visitor: Visitor) -> None:
    id = await written(running, visitor)
    found = (await api.get(f"/conversations/{id}")).body
    contact = await running.contact(visitor)
    assert (found["type"], found["id"], found["state"], found["open"]) == ("conversation", id, "open", True)
    assert found["contacts"]["contacts"] == [{"type": "contact", "id": contact.id, "external_id": None}]
    assert (found["source"]["delivered_as"], found["source"]["author"]["type"]) == ("automated", "bot")
    types = {part["part_type"] for part in found["conversation_parts"]["conversation_parts"]}
    assert {"opt_in_form", "comment"} <= types
    bodies = [part["body"] for part in found["conversation_parts"]["conversation_parts"]]
    assert "<p>Is it &lt;b&gt;fresh&lt;/b&gt;?</p>" in bodies
    plain = (await api.get(f"/conversations/{id}?display_as=plaintext")).body
    assert "Is it <b>fresh</b>?" in [p["body"] for p in plain["conversation_parts"]["conversation_parts"]]


async def test_a_reply_is_written_once_as_the_token_s_teammate(
    running: Running, api: ApiClient, admin: Teammate, visitor: Visitor
) -> None:
    path = f"/conversations/{await written(running, visitor)}"
    reply = {"type": "admin", "message_type": "comment", "body": "Roasted today."}
    first, second = [await api.post(f"{path}/reply", reply, Idempotency_Key=new_id()) for _ in range(2)]
    again = await api.post(f"{path}/reply", {**reply, "message_type": "note", "body": "Ask Ben"})
    parts = again.body["conversation_parts"]["conversation_parts"]
    mine = [(p["part_type"], p["body"]) for p in parts if p["author"]["id"] == admin.id and p["body"]]
    assert mine == [("comment", "<p>Roasted today.</p>")] * 2 + [("note", "<p>Ask Ben</p>")]
    assert (first.body["admin_assignee_id"], second.status) == (admin.id, 200)
    wrong = await api.post(f"{path}/reply", {**reply, "admin_id": new_id()})
    assert wrong.error == (404, "not_found", "Resource Not Found")


async def test_a_conversation_is_closed_opened_snoozed_and_assigned(
    running: Running, api: ApiClient, admin: Teammate, visitor: Visitor
) -> None:
    path = f"/conversations/{await written(running, visitor)}/parts"
    later = 4_000_000_000
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"message_type": "close"}, {"state": "closed", "open": False}),
        ({"message_type": "open"}, {"state": "open", "open": True}),
        ({"message_type": "snoozed", "snoozed_until": later}, {"state": "snoozed", "snoozed_until": later}),
        ({"message_type": "assignment", "assignee_id": admin.id}, {"admin_assignee_id": admin.id}),
        ({"message_type": "assignment", "assignee_id": 0}, {"admin_assignee_id": None}),
    ]
    for body, after in cases:
        reply = await api.post(path, {"type": "admin", "admin_id": admin.id, **body})
        assert (reply.status, {name: reply.body[name] for name in after}) == (200, after), body
    for wrong in ({"message_type": "snoozed"}, {"message_type": "assignment"}, {"message_type": "delete"}):
        assert (await api.post(path, wrong)).status == 400


async def test_nothing_is_written_for_a_teammate_who_was_removed(
    running: Running, api: ApiClient, visitor: Visitor
) -> None:
    path = f"/conversations/{await written(running, visitor)}"
    body = {"message_type": "assignment", "assignee_id": new_id(), "body": "Ben will help you."}
    assert (await api.post(f"{path}/parts", body)).status == 422
    parts = (await api.get(f"{path}?display_as=plaintext")).body["conversation_parts"]["conversation_parts"]
    assert body["body"] not in [part["body"] for part in parts]


async def test_conversations_are_listed_by_state_and_page(
    running: Running, api: ApiClient, newcomer: Callable[[], Visitor]
) -> None:
    ids = set()
    for _ in range(3):
        await (person := newcomer()).open()
        ids.add(await written(running, person))
    seen: list[str] = []
    path = "/conversations?per_page=2"
    while not ids <= {*seen}:
        page = (await api.get(path)).body
        assert list(page) == ["type", "conversations", "total_count", "pages"]
        seen += [one["id"] for one in page["conversations"]]
        after = page["pages"]["next"]["starting_after"] if "next" in page["pages"] else None
        assert after or ids <= {*seen}
        path = f"/conversations?per_page=2&starting_after={(after or '').replace('%', '%25')}"
    assert len(seen) == len({*seen})
    closed = (await api.get("/conversations?state=closed&per_page=150")).body["conversations"]
    assert not ids & {one["id"] for one in closed}


@pytest.mark.parametrize("path", ["/conversations/nothing", f"/conversations/{'0' * 24}"])
async def test_what_does_not_exist_is_not_found(api: ApiClient, path: str) -> None:
    assert (await api.get(path)).error == (404, "not_found", "Resource Not Found")
    body = {"type": "admin", "message_type": "comment", "body": "Hi"}
    assert (await api.post(f"{path}/reply", body)).error == (404, "not_found", "Resource Not Found")
    assert (await api.post(f"{path}/parts", {"message_type": "close"})).status == 404
