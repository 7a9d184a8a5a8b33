"""Attributes, saved replies, keywords, senders and prices through the API."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from bot.demo import DEALS, NEWS
from bot.model.base import new_id
from bot.workspace.access import AGENT_SCOPES
from tests.widget.api.client import ApiClient, new_contact
from tests.widget.api.conftest import NewClient
from tests.widget.help import Running


def fields(reply: Any) -> list[str | None]:
    return [fault["field"] for fault in reply.body["errors"]]


async def test_an_attribute_is_created_changed_archived_and_restored(running: Running, api: ApiClient) -> None:
    name = f"Tier {secrets.token_hex(4)}"
    body = {
        "name": name,
        "model": "contact",
        "data_type": "string",
        "options": [{"value": "Gold"}, {"value": "Light\nblue"}],
    }
    made = (await api.post("/data_attributes", body)).body
    key = name.lower().replace(" ", "_")
    assert (made["id"], made["label"], made["data_type"], made["options"]) == (
        key,
        name,
        "string",
        ["Gold", "Light blue"],
    )
    contact = await new_contact(running)
    wrong = await api.put(f"/contacts/{contact.id}", {"custom_attributes": {key: "Red"}})
    assert (wrong.status, fields(wrong)) == (422, [f"custom_attributes.{key}"])
    assert (await api.put(f"/contacts/{contact.id}", {"custom_attributes": {key: "Gold"}})).status == 200
    path = f"/data_attributes/{key}"
    changed = (await api.put(path, {"label": f"{name}!", "options": [{"value": "Red"}]})).body
    assert (changed["label"], changed["options"], changed["name"]) == (f"{name}!", ["Red"], key)
    assert (await api.put(path, {"archived": True})).body["archived"] is True
    assert key not in {one["id"] for one in (await api.get("/data_attributes?model=contact")).body["data"]}
    everything = (await api.get("/data_attributes?include_archived=true")).body["data"]
    assert [one["archived"] for one in everything if one["id"] == key] == [True]
    assert (await api.put(path, {"archived": False})).body["options"] == ["Red"]
    assert (await api.get("/data_attributes?model=company")).body["data"] == []


async def test_attributes_that_can_t_be_are_refused(api: ApiClient, new_client: NewClient) -> None:
    name = f"Size {secrets.token_hex(4)}"
    body = {"name": name, "model": "contact", "data_type": "integer"}
    assert (await api.post("/data_attributes", body)).body["data_type"] == "float"
    assert fields(await api.post("/data_attributes", body)) == ["name"], "it exists"
    assert (await api.post("/data_attributes", {**body, "name": "!"})).status == 422
    assert (await api.post("/data_attributes", {**body, "name": " "})).status == 400
    assert (await api.post("/data_attributes", {**body, "name": "x" * 61})).status == 400
    assert (await api.post("/data_attributes", {**body, "model": "company"})).status == 400
    assert fields(await api.post("/data_attributes", {**body, "data_type": "options"})) == ["options"]
    options = [{"value": "Gold"}]
    assert fields(await api.post("/data_attributes", {**body, "name": f"{name} 2", "options": options})) == ["options"]
    path = f"/data_attributes/{name.lower().replace(' ', '_')}"
    assert fields(await api.put(path, {"options": options})) == ["options"]
    assert (await api.put("/data_attributes/none", {"archived": True})).error == (
        404,
        "not_found",
        "Resource Not Found",
    )
    agent = await new_client(AGENT_SCOPES)
    assert (await agent.post("/data_attributes", body)).codes == ["token_scope_missing"]
    assert (await agent.get("/data_attributes")).status == 200


async def test_a_saved_reply_is_created_changed_and_deleted(api: ApiClient) -> None:
    name, text = f"Hours {new_id()}", "Hi {first_name|there}, we open at 9."
    key = new_id()
    body = {"name": f" {name}\0\n", "text": text}
    answers = await asyncio.gather(*(api.post("/saved_replies", body, Idempotency_Key=key) for _ in range(50)))
    (id,) = {answer.body["id"] for answer in answers}
    assert (await api.post("/saved_replies", {**body, "name": "x"}, Idempotency_Key=key)).codes == [
        "idempotency_key_reused"
    ]
    assert [one["id"] for one in (await api.get("/saved_replies")).body["data"] if one["name"] == name] == [id]
    path = f"/saved_replies/{id}"
    changed = (await api.put(path, {"text": "We open at 10."})).body
    assert (changed["name"], changed["text"]) == (name, "We open at 10.")
    saved = await api.running.bot.saved_replies.get(id)
    assert (await api.put(path, {})).body == changed
    assert await api.running.bot.saved_replies.get(id) == saved, "nothing is written"
    await asyncio.gather(api.put(path, {"name": f"{name}!"}), api.put(path, {"text": "We open at 11."}))
    both = (await api.get(path)).body
    assert (both["name"], both["text"]) == (f"{name}!", "We open at 11."), "each changes only its field"
    await api.put(path, {"name": name})
    assert fields(await api.post("/saved_replies", body)) == ["name"], "it exists"
    assert fields(await api.put(path, {"text": "Hi {nobody}"})) == ["text"]
    assert (await api.delete(path)).body == {"type": "saved_reply", "id": id, "deleted": True}
    assert [(await api.get(path)).status, (await api.delete(path)).status] == [404, 404]
    assert (await api.post("/saved_replies", {"name": name, "text": "x" * 2001})).status == 400


async def test_a_keyword_is_created_edited_paused_and_resumed(api: ApiClient) -> None:
    word = f"tea{secrets.randbelow(10**8):08}"
    body = {"keyword": word.upper(), "subscription": DEALS, "place": "Poster", "title": "Text us for 10% off"}
    made = (await api.post("/keywords", body)).body
    assert (made["id"], made["keyword"], made["live"], made["version"]) == (word, word.upper(), True, 1)
    assert made["legal_text"].startswith("By texting this keyword you agree")
    path = f"/keywords/{word.upper()}"
    edited = (await api.put(path, {"title": "Text us for 20% off", "version": 1})).body
    assert (edited["title"], edited["place"], edited["version"]) == ("Text us for 20% off", "Poster", 2)
    assert (await api.put(path, {"title": "Too late", "version": 1})).codes == ["conflict"]
    paused = (await api.post(f"{path}/pause", {})).body
    assert (paused["paused"], paused["live"]) == (True, False)
    assert (await api.post(f"{path}/resume", {})).body["live"] is True
    past = (await api.get(f"{path}/versions")).body["data"]
    assert [one["action"] for one in past] == ["resumed", "paused", "edited", "created"]
    assert past[3]["title"] == "Text us for 10% off"
    assert word in {one["id"] for one in (await api.get("/keywords")).body["data"]}
    await api.post(f"{path}/pause", {})


async def test_keywords_that_can_t_be_are_refused(api: ApiClient) -> None:
    body = {"keyword": "refusedbeans", "subscription": DEALS, "place": "Poster", "title": "Deals"}
    assert fields(await api.post("/keywords", {**body, "keyword": "STOP"})) == ["keyword"]
    assert fields(await api.post("/keywords", {**body, "subscription": NEWS})) == ["subscription"]
    assert (await api.post("/keywords", {**body, "subscription": "none"})).status == 404
    assert (await api.post("/keywords", {**body, "legal_text": "Yes!"})).codes == ["wording_incomplete"]
    assert (await api.post("/keywords", {**body, "locale": "xx-nothing"})).status in {400, 422}
    assert (await api.post("/keywords", {**body, "title": ""})).status == 400
    assert (await api.get("/keywords/nothing")).error == (404, "not_found", "Resource Not Found")


async def test_senders_and_prices_of_countries(own: Running) -> None:
    api = ApiClient(own, await own.bot.tokens.make((await own.bot.teammates.all())[0], "Test"))
    made = (await api.put("/senders/GB", {"sender": "DemoShop", "registration": "registered"})).body
    assert (made["sender"], made["warning"]) == ("DemoShop", "sender_cannot_receive")
    assert (await api.put("/senders/GB", {"sender": "+44 7700 900123"})).body["sender"] == "+447700900123"
    assert [one["country"] for one in (await api.get("/senders")).body["data"]] == ["GB"]
    gone = (404, "not_found", "Resource Not Found")
    assert (await api.put("/senders/XX", {"sender": "12345"})).error == gone
    assert (await api.put("/prices/XX", {"price": "1", "currency": "GBP"})).error == gone
    assert ((await api.delete("/senders/XX")).error, (await api.delete("/prices/XX")).error) == (gone, gone)
    slow = (await api.put("/senders/gb", {"sender": "12345", "per_second": 0.5})).body
    assert (slow["country"], slow["per_second"], slow["effective_per_second"]) == ("GB", 0.5, 0.5)
    usual = (await api.put("/senders/gb", {"sender": "12345", "per_second": None})).body
    assert (usual["per_second"], usual["effective_per_second"] > 0.5) == (None, True)
    assert fields(await api.put("/senders/GB", {"sender": "!"})) == ["sender"]
    assert (await api.delete("/senders/GB")).body == {"type": "sender", "country": "GB", "deleted": True}
    assert (await api.delete("/senders/GB")).status == 404
    price = (await api.put("/prices/gb", {"price": "0.0400004", "currency": "gbp"})).body
    assert price == {"type": "price", "country": "GB", "price": "0.04", "currency": "GBP"}
    assert (await api.get("/prices")).body["data"] == [price]
    assert (await api.put("/prices/GB", {"price": "free", "currency": "GBP"})).status == 400
    assert (await api.delete("/prices/GB")).body["deleted"] is True
    assert (await api.delete("/prices/GB")).status == 404


async def test_head_answers_like_get_without_a_body(api: ApiClient) -> None:
    headers = {"Authorization": f"Bearer {api.token}"}
    for path, status in (("/saved_replies", 200), ("/keywords/nothing", 404)):
        async with api.running.session.head(f"{api.running.base}/api{path}", headers=headers) as answer:
            assert (answer.status, await answer.read()) == (status, b"")
            assert int(answer.headers["Content-Length"]) > 0
    async with api.running.session.head(f"{api.running.base}/api/keywords") as answer:
        assert answer.status == 401
