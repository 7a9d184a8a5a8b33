"""Merging contacts, their tags and their segments."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo import DEALS
from bot.model.base import new_id
from bot.model.filter import Filter, RoleIs, TagIs
from bot.model.teammate import By
from bot.workspace.access import Scope
from tests.people import NUMBER
from tests.widget.api.client import ApiClient, new_contact
from tests.widget.api.conftest import NewClient
from tests.widget.api.test_subscriptions import opt_out
from tests.widget.help import Running

BY = By("x", "X")


async def pair(running: Running, api: ApiClient, **lead: Any) -> tuple[str, str]:
    """A lead and a user of one number."""
    made = [
        (await api.post("/contacts", body)).body["id"]
        for body in (
            {"role": "lead", "phone": NUMBER, "name": "Maya", **lead},
            {"external_id": new_id(), "phone": NUMBER},
        )
    ]
    return made[0], made[1]


@pytest.mark.parametrize("path", ["/contacts/merge", "/contacts/merge/preview"])
async def test_an_empty_id_is_no_contact(api: ApiClient, path: str) -> None:
    assert (await api.post(path, {"from": "", "into": ""})).error == (404, "not_found", "User Not Found")


async def test_a_merge_keeps_the_strictest_answer_and_its_preview_says_so(running: Running, api: ApiClient) -> None:
    lead, user = await pair(running, api)
    await api.post(f"/contacts/{user}/subscriptions", {"id": DEALS, "consent_type": "opt_in"})
    await running.bot.ledger.record(opt_out(lead, DEALS))
    body = {"from": lead, "into": user}
    preview = (await api.post("/contacts/merge/preview", body)).body
    assert list(preview) == ["type", "contact", "subscriptions", "lost"]
    states = {"subscription": DEALS, "into": "opted_in", "from": "opted_out", "after": "opted_out"}
    assert (preview["subscriptions"], preview["lost"], preview["contact"]["name"]) == ([states], [], "Maya")
    assert (await api.get(f"/contacts/{user}")).body["name"] is None, "nothing was changed"
    merged = (await api.post("/contacts/merge", body)).body
    assert (merged["id"], merged["name"], merged["phone"]) == (user, "Maya", NUMBER)
    assert (merged["opted_in_subscription_types"]["data"], merged["sms_consent"]) == ([], False)
    assert (await api.get(f"/contacts/{lead}")).codes == ["contact_merged"]
    assert (await api.post("/contacts/merge", body)).codes == ["contact_merged"]


async def test_only_a_lead_is_merged_into_a_user_who_is_the_same_person(running: Running, api: ApiClient) -> None:
    lead, user = await pair(running, api, phone="+12015550245")
    for body, message in (
        ({"from": user, "into": lead}, "Merge a lead into a user."),
        ({"from": lead, "into": lead}, "Merge a lead into a user."),
        ({"from": lead, "into": user}, None),
    ):
        reply = await api.post("/contacts/merge", body)
        assert reply.error[:2] == (400, "invalid_merge")
        assert message in {None, reply.error[2]}
    assert (await api.post("/contacts/merge", {"from": lead, "into": new_id()})).status == 404
    reply = await api.post("/contacts/merge", {"from": lead, "into": user, "skip_duplicate_validation": True})
    assert reply.status == 200


async def test_a_tag_of_all_contacts_is_changed_by_those_who_manage_the_workspace(
    api: ApiClient, new_client: NewClient
) -> None:
    """As on the page of tags."""
    agent = await new_client(frozenset({Scope.READ_CONTACTS, Scope.WRITE_CONTACTS}))
    made = (await agent.post("/tags", {"name": f"Tag {new_id()}"})).body
    for reply in (
        await agent.post("/tags", {"id": made["id"], "name": "Mine"}),
        await agent.delete(f"/tags/{made['id']}"),
    ):
        assert reply.error == (403, "token_scope_missing", 'This access token requires the "manage_workspace" scope.')
    assert (await api.get(f"/tags/{made['id']}")).body == made


async def test_tags_are_created_renamed_and_deleted(api: ApiClient) -> None:
    name = f"Tag {new_id()}"
    made = (await api.post("/tags", {"name": name})).body
    assert made == {"type": "tag", "id": made["id"], "name": name}
    assert (await api.post("/tags", {"name": name.upper()})).body == made
    renamed = {**made, "name": f"{name} 2"}
    assert (await api.post("/tags", {"id": made["id"], "name": renamed["name"]})).body == renamed
    assert renamed in (await api.get("/tags")).body["data"]
    assert (await api.get(f"/tags/{made['id']}")).body == renamed
    assert (await api.delete(f"/tags/{made['id']}")).status == 200
    for reply in (await api.get(f"/tags/{made['id']}"), await api.delete(f"/tags/{made['id']}")):
        assert reply.error == (404, "not_found", "Resource Not Found")


async def test_a_contact_is_tagged_and_untagged(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running)
    tag = (await api.post("/tags", {"name": f"Tag {new_id()}"})).body
    path = f"/contacts/{contact.id}/tags"
    for _ in range(2):
        assert (await api.post(path, {"id": tag["id"]})).body == tag
    assert (await api.get(path)).body == {"type": "list", "data": [tag]}
    listed = (await api.get(f"/contacts/{contact.id}")).body["tags"]
    assert listed["data"] == [{"id": tag["id"], "type": "tag", "url": f"/tags/{tag['id']}"}]
    for _ in range(2):
        assert (await api.delete(f"{path}/{tag['id']}")).body == tag
    assert (await api.get(path)).body["data"] == []
    assert (await api.post(path, {"id": "nothing"})).codes == ["not_found"]


async def test_segments_are_listed_found_counted_and_told_of_a_contact(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running)
    tag = (await api.post("/tags", {"name": f"Tag {new_id()}"})).body["id"]
    await api.post(f"/contacts/{contact.id}/tags", {"id": tag})
    bots = running.bot.segments
    mine = await bots.save(f"S {new_id()}", Filter.of(TagIs(tags=(tag,))), BY)
    other = await bots.save(f"S {new_id()}", Filter.of(TagIs(tags=(tag,)), RoleIs(roles=("user",))), BY)
    found = {s["id"]: s for s in (await api.get("/segments")).body["segments"]}
    assert list(found[mine.id]) == ["type", "id", "name", "created_at", "updated_at", "person_type"]
    counted = {s["id"]: s["count"] for s in (await api.get("/segments?include_count=true")).body["segments"]}
    assert (counted[mine.id], counted[other.id]) == (1, 0)
    assert (await api.get(f"/segments/{mine.id}?include_count=true")).body["count"] == 1
    assert (await api.get(f"/segments/{new_id()}")).error == (404, "not_found", "Resource Not Found")
    listed = (await api.get(f"/contacts/{contact.id}/segments")).body
    assert mine.id in {s["id"] for s in listed["data"]}
    assert other.id not in {s["id"] for s in listed["data"]}
    await bots.archive(mine.id, BY)
    await bots.archive(other.id, BY)
