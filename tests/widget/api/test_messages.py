"""Outbound messages and deliveries through the API."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest

from bot.demo import DEALS
from bot.model.base import new_id, now
from tests.conftest import eventually
from tests.widget.api.client import ApiClient, new_contact
from tests.widget.help import Running

NUMBER = "+12015550191"
TEXTS = {"en": "Everything is 20% off until Sunday."}


@pytest.fixture
async def shop(own: Running) -> ApiClient:
    """A workspace of its own: texts are sent."""
    return ApiClient(own, await own.bot.tokens.make((await own.bot.teammates.all())[0], "Test"))


async def test_a_message_is_drafted_previewed_sent_and_reported(own: Running, shop: ApiClient) -> None:
    contact = await new_contact(own, phone=NUMBER)
    paper = {"how": "paper", "given_at": 1_700_000_000, "note": "Card"}
    opt_in = {"subscription": DEALS, "answer": "opt_in", "evidence": paper, "asks": False}
    assert (await shop.post(f"/contacts/{contact.id}/consents", opt_in)).status == 200
    only = {"groups": [{"conditions": [{"field": "contact", "ids": [contact.id]}]}]}
    body = {"name": "Winter sale", "subscription": DEALS, "texts": TEXTS, "filter": only}
    draft = (await shop.post("/outbound_messages", body)).body
    assert (draft["state"], draft["texts"], draft["filter"]) == ("draft", TEXTS, only)
    path = f"/outbound_messages/{draft['id']}"
    audience = (await shop.get(f"{path}/audience")).body
    assert (audience["total"], audience["to_confirm"], audience["exact"]) == (1, sum(audience["counts"].values()), True)
    late = await shop.put(path, {"version": 99, "name": "Late"})
    assert (late.status, late.codes) == (409, ["conflict"])
    renamed = (await shop.put(path, {"version": draft["version"], "name": "Sale"})).body
    assert (await shop.post(f"{path}/send", {"version": draft["version"]})).status == 409
    sent = await shop.post(f"{path}/send", {"version": renamed["version"]})
    assert sent.status == 200, sent

    async def is_done() -> bool:
        found = (await shop.get(f"{path}/report")).body
        return found["state"] == "done" and bool(found["sent"])

    await eventually(is_done)
    assert (await shop.get(f"{path}/report")).body["results"] == {"sent": 1}
    (copy,) = (await shop.get(f"{path}/deliveries?state=sent")).body["data"]
    story = (await shop.get(f"/deliveries/{copy['id']}")).body
    assert (story["contact_id"], story["number"], story["message_id"]) == (contact.id, NUMBER, draft["id"])
    assert [step["title"] for step in story["story"]][:2] == ["Queued", "Permission checked"]
    assert (await shop.post(f"{path}/actions", {"action": "pause"})).codes == ["job_conflict"]
    listed = (await shop.get("/outbound_messages")).body["data"]
    assert (listed[0]["id"], listed[0]["state"]) == (draft["id"], "done")


async def test_a_message_is_scheduled_and_canceled(shop: ApiClient) -> None:
    draft = (await shop.post("/outbound_messages", {"name": "Sale", "subscription": DEALS, "texts": TEXTS})).body
    path = f"/outbound_messages/{draft['id']}"
    past = {"version": draft["version"], "send_at": 1_700_000_000}
    assert (await shop.post(f"{path}/send", past)).status == 422
    sent = await shop.post(f"{path}/send", {"version": draft["version"], "send_at": 4_000_000_000})
    assert (sent.status, sent.body["state"]) == (200, "scheduled")
    assert (await shop.post(f"{path}/actions", {"action": "cancel"})).body["state"] == "canceled"


async def test_a_draft_without_text_or_subscription_is_not_sent(shop: ApiClient) -> None:
    draft = (await shop.post("/outbound_messages", {"name": "Empty"})).body
    path = f"/outbound_messages/{draft['id']}"
    assert (await shop.get(f"{path}/audience")).status == 422
    reply = await shop.post(f"{path}/send", {"version": draft["version"]})
    assert (reply.status, reply.body["errors"][0]["field"]) == (422, "text")
    for wrong in ("2026-13-99T10:00", "9999-12-31T23:59", "0001-01-01T00:00"):
        assert (await shop.post(f"{path}/send", {"version": 1, "local_at": wrong})).status == 400
    assert (await shop.post(f"{path}/send", {"version": 1, "send_at": 253_402_300_799})).status == 400
    assert (await shop.delete(f"{path}?version={draft['version']}")).body["deleted"] is True
    assert (await shop.get(path)).status == 404
    assert (await shop.get("/deliveries/none")).status == 404


async def test_all_deliveries_are_listed_since_a_cursor_by_their_fields(
    own: Running, shop: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("widget.api.deliveries.SETTLED", timedelta(0))
    contacts = [await new_contact(own, phone=f"+1201555019{last}") for last in range(3)]
    for contact in contacts:
        await own.bot.receive(contact.phone or "", "HELP", new_id())

    async def listed(query: str = "") -> list[str]:
        reply = await shop.get(f"/deliveries?{query}")
        assert reply.status == 200, reply
        return [one["contact_id"] for one in reply.body["data"]]

    ids = [contact.id for contact in contacts]
    assert await listed() == ids
    first = (await shop.get("/deliveries?per_page=2")).body
    after = quote(first["next"])
    rest = (await shop.get(f"/deliveries?since={after}")).body
    assert [one["contact_id"] for one in (*first["data"], *rest["data"])] == ids
    end = (await shop.get(f"/deliveries?since={quote(rest['next'])}")).body
    assert (end["data"], end["next"]) == ([], rest["next"])
    assert await listed(f"contact_id={ids[1]}") == ids[1:2]
    assert await listed("kind=reply") == ids
    assert await listed("kind=outbound") == await listed(f"message_id={ids[0]}") == []
    (fault,) = (await shop.get("/deliveries?since=x")).body["errors"]
    assert (fault["code"], fault["field"]) == ("parameter_invalid", "since")
    assert (await shop.get("/deliveries?state=lost")).codes == ["parameter_invalid"]


@pytest.mark.parametrize("size", [1, 2, 3, 50])
async def test_rare_deliveries_are_looked_for_slice_by_slice(
    own: Running, shop: ApiClient, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("widget.api.deliveries.SETTLED", timedelta(0))
    monkeypatch.setattr("bot.store.delivery_feed.SLICE", size)
    contacts = [await new_contact(own, phone=f"+120155502{last:02}") for last in range(7)]
    for contact in contacts:
        await own.bot.receive(contact.phone or "", "HELP", new_id())
    texts, _next = await own.store.deliveries.since(None, now(), {}, limit=9)
    rare = [texts[place].id for place in (3, 6)]
    same = [{"_id": texts[place].id} for place in (2, 3, 4)]
    await own.store.deliveries.update_many([({"_id": id}, {"$set": {"subscription": "rare"}}) for id in rare])
    await own.store.deliveries.update_many([(one, {"$set": {"created_at": texts[3].created_at}}) for one in same])
    seen, since = list[str](), ""
    while True:
        page = (await shop.get(f"/deliveries?subscription_id=rare&per_page=1&since={quote(since)}")).body
        seen += [one["id"] for one in page["data"]]
        if page["next"] == since:
            break
        since = page["next"]
    assert seen == rare


async def test_deliveries_that_are_too_new_wait(own: Running, shop: ApiClient) -> None:
    contact = await new_contact(own, phone=NUMBER)
    await own.bot.receive(contact.phone or "", "HELP", new_id())
    assert (await shop.get("/deliveries")).body == {"type": "list", "data": [], "next": ""}
