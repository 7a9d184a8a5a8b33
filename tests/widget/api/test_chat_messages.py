"""Outbound messages in the chat, through the API."""

from __future__ import annotations

import pytest

from bot.demo import DEALS
from tests.conftest import eventually
from tests.widget.api.client import ApiClient, new_contact
from tests.widget.help import Running

TEXTS = {"en": "Welcome back! Deals by text?"}
FORM = {"subscription": DEALS, "title": "Get our deals by text"}


@pytest.fixture
async def shop(own: Running) -> ApiClient:
    """A workspace of its own: messages are shown in its chats."""
    return ApiClient(own, await own.bot.tokens.make((await own.bot.teammates.all())[0], "Test"))


async def test_a_chat_message_is_drafted_started_shown_and_ended(own: Running, shop: ApiClient) -> None:
    contact = await new_contact(own)
    only = {"groups": [{"conditions": [{"field": "contact", "ids": [contact.id]}]}]}
    body = {"name": "Welcome", "texts": TEXTS, "filter": only, "form": FORM, "at_once": True}
    draft = (await shop.post("/chat_messages", body)).body
    assert (draft["state"], draft["texts"], draft["filter"], draft["at_once"]) == ("draft", TEXTS, only, True)
    assert draft["form"]["title"] == FORM["title"]
    path = f"/chat_messages/{draft['id']}"
    audience = (await shop.get(f"{path}/audience")).body
    assert (audience["total"], sum(audience["counts"].values()), audience["exact"]) == (1, 1, True)
    changed = (await shop.put(path, {"version": draft["version"], "form": None, "ends_at": 4_000_000_000})).body
    assert (changed["form"], changed["ends_at"], changed["texts"]) == (None, 4_000_000_000, TEXTS)
    assert (await shop.post(f"{path}/start", {"version": draft["version"]})).codes == ["conflict"]
    started = (await shop.post(f"{path}/start", {"version": changed["version"]})).body
    assert (started["state"], bool(started["started_at"])) == ("running", True)
    for action, state in (("pause", "paused"), ("resume", "running"), ("end", "ended")):
        assert (await shop.post(f"{path}/actions", {"action": action})).body["state"] == state
    assert (await shop.post(f"{path}/actions", {"action": "pause"})).codes == ["conflict"]
    report = (await shop.get(f"{path}/report")).body
    assert list(report) == ["type", "state", "shown", "signed_up", "unconfirmed", "dismissed", "unanswered"]
    assert [one["id"] for one in (await shop.get("/chat_messages")).body["data"]] == [draft["id"]]


async def test_a_large_audience_is_counted_by_a_job(
    own: Running, shop: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("widget.api.chat_messages.ASKED", 1)
    contacts = [await new_contact(own) for _ in range(3)]
    only = {"groups": [{"conditions": [{"field": "contact", "ids": [one.id for one in contacts]}]}]}
    draft = (await shop.post("/chat_messages", {"name": "Welcome", "texts": TEXTS, "filter": only})).body
    path = f"/chat_messages/{draft['id']}/audience"
    first = (await shop.get(path)).body
    assert (first["total"], first["seen"], first["exact"]) == (3, 1, True)

    async def all_seen() -> bool:
        found = (await shop.get(path)).body
        return (found["seen"], found["counts"]) == (3, {"queued": 3})

    await eventually(all_seen)


async def test_those_who_come_are_counted_as_shown(own: Running, shop: ApiClient) -> None:
    contact = await new_contact(own)
    draft = (await shop.post("/chat_messages", {"name": "Welcome", "texts": TEXTS})).body
    path = f"/chat_messages/{draft['id']}"
    assert (await shop.post(f"{path}/start", {"version": draft["version"]})).status == 200
    await own.bot.chat_delivery.arrived(contact.id)
    report = (await shop.get(f"{path}/report")).body
    assert (report["state"], report["shown"]) == ("running", 1)
    await shop.post(f"{path}/actions", {"action": "end"})


async def test_drafts_are_deleted_and_texts_are_not_chat_messages(shop: ApiClient) -> None:
    draft = (await shop.post("/chat_messages", {"name": "Welcome"})).body
    path = f"/chat_messages/{draft['id']}"
    assert (await shop.post(f"{path}/start", {"version": draft["version"]})).status == 422
    assert (await shop.get(f"/outbound_messages/{draft['id']}")).status == 404
    assert (await shop.delete(f"{path}?version={draft['version']}")).body["deleted"] is True
    assert (await shop.get(path)).status == 404
    text = (await shop.post("/outbound_messages", {"name": "Sale"})).body
    assert (await shop.get(f"/chat_messages/{text['id']}")).status == 404
    weak = {"name": "Weak", "form": {**FORM, "legal_text": "Yes!"}}
    assert (await shop.post("/chat_messages", weak)).codes == ["wording_incomplete"]
    unknown = {"name": "Weak", "form": {"subscription": "nothing"}}
    assert (await shop.post("/chat_messages", unknown)).status == 404
