"""Intercom's routes of contacts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.demo import DEALS, NEWS
from bot.model.attribute import AttributeType
from bot.model.base import new_id, now
from bot.model.event import Actor, Source
from bot.model.teammate import By
from tests.people import ANOTHER, NUMBER
from tests.widget.api.client import ApiClient, new_contact
from tests.widget.help import Running

KEYS = [
    "type", "id", "workspace_id", "external_id", "role", "email", "phone", "name", "avatar", "owner_id",
    "social_profiles", "has_hard_bounced", "marked_email_as_spam", "unsubscribed_from_emails", "created_at",
    "updated_at", "signed_up_at", "last_seen_at", "last_replied_at", "last_contacted_at", "last_email_opened_at",
    "last_email_clicked_at", "language_override", "browser", "browser_version", "browser_language", "os",
    "location", "android_app_name", "android_app_version", "android_device", "android_os_version",
    "android_sdk_version", "android_last_seen_at", "ios_app_name", "ios_app_version", "ios_device",
    "ios_os_version", "ios_sdk_version", "ios_last_seen_at", "custom_attributes", "tags", "notes", "companies",
    "opted_out_subscription_types", "opted_in_subscription_types", "utm_campaign", "utm_content", "utm_medium",
    "utm_source", "utm_term", "referrer", "sms_consent", "unsubscribed_from_sms",
]  # fmt: skip
"""In the order of Intercom's answers."""


def unique() -> Mapping[str, str]:
    return {"external_id": new_id(), "email": f"{new_id()}@example.com"}


async def test_a_contact_has_intercom_s_keys_in_their_order(running: Running, api: ApiClient) -> None:
    body = {**unique(), "name": "Maya Okafor", "phone": "(201) 555-0123", "last_seen_at": 1_790_000_000}
    made = (await api.post("/contacts", body)).body
    assert list(made) == KEYS
    assert {key: made[key] for key in body} == {**body, "phone": NUMBER}
    assert (made["type"], made["role"], made["workspace_id"]) == ("contact", "user", running.store.database.name)
    assert made["created_at"] == pytest.approx(made["updated_at"], abs=60)
    empty = {"type": "list", "data": [], "total_count": 0, "has_more": False}
    here = f"/contacts/{made['id']}"
    assert made["opted_in_subscription_types"] == {**empty, "url": f"{here}/subscriptions"}
    assert made["tags"] == {**empty, "url": f"{here}/tags"}
    assert (made["avatar"], made["signed_up_at"], made["sms_consent"]) == (None, None, False)


async def test_a_contact_tells_their_subscriptions(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone=NUMBER)
    await api.post(f"/contacts/{contact.id}/subscriptions", {"id": DEALS, "consent_type": "opt_in"})
    found = (await api.get(f"/contacts/{contact.id}")).body
    assert found["opted_in_subscription_types"] == {
        "type": "list",
        "data": [{"id": DEALS, "type": "subscription", "url": f"/subscription_types/{DEALS}"}],
        "url": f"/contacts/{contact.id}/subscriptions",
        "total_count": 1,
        "has_more": False,
    }
    assert (found["sms_consent"], found["unsubscribed_from_sms"]) == (True, False)


async def test_a_stop_is_told(running: Running, api: ApiClient) -> None:
    number = "+12015550238"  # nobody else's in this workspace: it stays stopped
    contact = await new_contact(running, phone=number)
    await api.post(f"/contacts/{contact.id}/subscriptions", {"id": DEALS, "consent_type": "opt_in"})
    await running.bot.stops.stop(number, "STOP", new_id())
    found = (await api.get(f"/contacts/{contact.id}")).body
    assert (found["sms_consent"], found["unsubscribed_from_sms"]) == (False, True)


@pytest.mark.parametrize(
    ("body", "role"),
    [({"role": "lead", "phone": NUMBER}, "lead"), ({"role": "lead"}, "lead"), ({"external_id": "*"}, "user")],
)
async def test_a_lead_may_be_nothing_but_a_number(api: ApiClient, body: dict[str, str], role: str) -> None:
    reply = await api.post("/contacts", {**body, **({"external_id": new_id()} if "external_id" in body else {})})
    assert (reply.status, reply.body["role"]) == (200, role)


async def test_a_new_contact_s_addresses_are_events_of_the_ledger(running: Running, api: ApiClient) -> None:
    made = (await api.post("/contacts", {**unique(), "phone": NUMBER})).body
    (event,) = await running.store.events.after(made["id"], 0, limit=10)
    assert (event.action, event.source, event.actor.kind) == ("change_address", "api", "api")
    assert (event.number, event.email) == (NUMBER, made["email"])


async def test_a_twin_is_refused_with_the_id_of_the_first(api: ApiClient) -> None:
    body = unique()
    first = (await api.post("/contacts", body)).body["id"]
    message = f"A contact matching those details already exists with id={first}"
    for twin in (body, {"external_id": body["external_id"]}, {"email": body["email"].upper()}):
        assert (await api.post("/contacts", twin)).error == (409, "conflict", message), twin
    assert (await api.post("/contacts", {"email": body["email"], "role": "lead"})).status == 200
    await api.post(f"/contacts/{first}/archive")
    message = f"An archived contact matching those details already exists with id={first}"
    assert (await api.post("/contacts", body)).error == (409, "conflict", message)


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 400, "bad_request", None),
        ({"name": "Nobody"}, 400, "bad_request", None),
        ({"role": "admin"}, 400, "parameter_invalid", "role"),
        ({"role": "lead", "email_verified": True}, 400, "bad_request", None),
        ({"role": "lead", "phone": "12"}, 422, "parameter_invalid", "phone"),
        ({"role": "lead", "phone": 12015550123}, 400, "type_mismatch", "phone"),
        ({"role": "lead", "email": "nonsense"}, 422, "parameter_invalid", "email"),
        ({"role": "lead", "nickname": "M"}, 400, "parameter_invalid", "nickname"),
        ({"role": "lead", "name": "x" * 121}, 400, "parameter_invalid", "name"),
        ({"role": "lead", "last_seen_at": -1}, 400, "parameter_invalid", "last_seen_at"),
        ({"role": "lead", "custom_attributes": {"nothing": 1}}, 422, "parameter_invalid", "custom_attributes.nothing"),
    ],
)
async def test_what_is_wrong_is_told(
    api: ApiClient, body: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    reply = await api.post("/contacts", body)
    assert (reply.status, [(e["code"], e["field"]) for e in reply.body["errors"]]) == (status, [(code, field)])


async def test_fields_that_sayso_has_no_place_for_are_accepted(api: ApiClient) -> None:
    body = {**unique(), "avatar": "https://example.com/a.png", "owner_id": 3, "signed_up_at": 1_790_000_000}
    reply = await api.post("/contacts", {**body, "email_verified": True, "unsubscribed_from_emails": False})
    assert (reply.status, reply.body["avatar"], reply.body["owner_id"]) == (200, None, None)


async def test_an_update_changes_what_it_names_and_null_removes(running: Running, api: ApiClient) -> None:
    made = (await api.post("/contacts", {**unique(), "name": "Maya", "phone": NUMBER})).body
    path = f"/contacts/{made['id']}"
    after = (await api.put(path, {"phone": ANOTHER})).body
    assert (after["name"], after["phone"], after["email"]) == ("Maya", ANOTHER, made["email"])
    after = (await api.put(path, {"phone": None, "name": "", "email": made["email"]})).body
    assert (after["name"], after["phone"], after["email"]) == (None, None, made["email"])
    assert (await api.put(path, {"name": "", "role": None})).body["role"] == "user"
    events = await running.store.events.after(made["id"], 0, limit=10)
    assert [event.clears for event in events] == [None, None, ["phone"]]


async def test_an_external_id_of_somebody_else_is_refused(api: ApiClient) -> None:
    first, second = unique(), (await api.post("/contacts", unique())).body
    id = (await api.post("/contacts", first)).body["id"]
    reply = await api.put(f"/contacts/{second['id']}", {"external_id": first["external_id"]})
    assert reply.error == (409, "conflict", f"A contact matching those details already exists with id={id}")


async def test_a_new_number_isn_t_opted_in(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone=NUMBER)
    await api.post(f"/contacts/{contact.id}/subscriptions", {"id": DEALS, "consent_type": "opt_in"})
    assert (await api.put(f"/contacts/{contact.id}", {"phone": ANOTHER})).body["sms_consent"] is False


async def test_unsubscribing_from_emails_opts_out_of_all_and_is_never_undone(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, email=f"{new_id()}@example.com")
    path = f"/contacts/{contact.id}"
    await api.post(f"{path}/subscriptions", {"id": NEWS, "consent_type": "opt_in"})
    for value in (True, False, None):
        after = (await api.put(path, {"unsubscribed_from_emails": value})).body
        assert after["unsubscribed_from_emails"] is True
        assert after["opted_in_subscription_types"]["data"] == []


async def test_custom_attributes_are_read_by_their_types(own: Running) -> None:
    api = ApiClient(own, await own.bot.tokens.make((await own.bot.teammates.all())[0], "Test"))
    for kind in ("text", "number", "date", "boolean"):
        await own.bot.attributes.create(f"a {kind}", AttributeType(kind), By("x", "X"))
    wanted = {"a_text": "Portland", "a_number": 12.5, "a_date": 1_790_040_000, "a_boolean": True}
    made = (await api.post("/contacts", {**unique(), "custom_attributes": wanted})).body
    assert made["custom_attributes"] == {**wanted, "a_date": 1_790_035_200}  # the beginning of the day
    path = f"/contacts/{made['id']}"
    reply = await api.put(path, {"custom_attributes": {"a_number": "many"}})
    assert (reply.status, reply.body["errors"][0]["field"]) == (422, "custom_attributes.a_number")
    after = (await api.put(path, {"custom_attributes": {"a_number": None, "a_text": "Salem"}})).body
    assert after["custom_attributes"] == {"a_text": "Salem", "a_date": 1_790_035_200, "a_boolean": True}


async def test_a_contact_is_found_by_id_and_by_external_id(api: ApiClient) -> None:
    body = {"external_id": f"shop/{new_id()} ü"}
    made = (await api.post("/contacts", body)).body
    assert (await api.get(f"/contacts/{made['id']}")).body == made
    quoted = body["external_id"].replace("/", "%2F").replace(" ", "%20").replace("ü", "%C3%BC")
    assert (await api.get(f"/contacts/find_by_external_id/{quoted}")).body == made
    for path in (f"/contacts/{new_id()}", "/contacts/find_by_external_id/nobody"):
        assert (await api.get(path)).error == (404, "not_found", "User Not Found")


async def test_an_archived_contact_is_on_no_list_until_unarchived(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone=NUMBER)
    path = f"/contacts/{contact.id}"

    async def is_listed() -> bool:
        page = await api.get("/contacts?per_page=20")
        return contact.id in {found["id"] for found in page.body["data"]}

    assert await is_listed()
    archived = {"type": "contact", "id": contact.id, "external_id": None, "archived": True}
    assert (await api.post(f"{path}/archive")).body == archived
    assert not await is_listed()
    assert (await api.get(path)).status == 200
    assert (await api.post(f"{path}/unarchive")).body == {**archived, "archived": False}
    assert await is_listed()


async def test_a_deleted_contact_is_erased(running: Running, api: ApiClient) -> None:
    made = (await api.post("/contacts", {**unique(), "phone": NUMBER}, Idempotency_Key=new_id())).body
    path = f"/contacts/{made['id']}"
    reply = await api.delete(path)
    assert reply.body == {"type": "contact", "id": made["id"], "external_id": made["external_id"], "deleted": True}
    for method in ("GET", "PUT", "DELETE"):
        assert (await api.call(method, path, {})).error == (404, "not_found", "User Not Found")
    assert not await running.store.api_requests.find({"contacts": made["id"]}, limit=1)
    assert (await api.post("/contacts", {"external_id": made["external_id"]})).status == 200


async def test_the_answer_to_a_deletion_is_not_kept_past_the_erasure(running: Running, api: ApiClient) -> None:
    made, key = (await api.post("/contacts", {**unique(), "phone": NUMBER})).body, new_id()
    first = await api.delete(f"/contacts/{made['id']}", Idempotency_Key=key)
    assert first.body["external_id"] == made["external_id"]
    await running.bot.catch_up.scan(now() - timedelta(minutes=5), now() + timedelta(minutes=1))
    kept = await running.store.api_requests.find({}, limit=500)
    assert made["external_id"] not in str([request.stored() for request in kept])


async def test_pages_continue_where_the_last_one_ended(running: Running, api: ApiClient) -> None:
    made = [(await new_contact(running)).id for _ in range(5)][::-1]
    seen: list[str] = []
    after = ""
    for number in (1, 2, 3):
        page = (await api.get(f"/contacts?per_page=2{after}")).body
        assert list(page) == ["type", "data", "total_count", "pages"]
        assert (page["pages"]["type"], page["pages"]["page"], page["pages"]["per_page"]) == ("pages", number, 2)
        assert page["pages"]["next"]["page"] == number + 1
        after = f"&starting_after={page['pages']['next']['starting_after'].replace('%', '%25')}"
        seen += [contact["id"] for contact in page["data"]]
    assert seen[:5] == made


async def test_the_last_page_has_no_next(own: Running) -> None:
    token = await own.bot.tokens.make((await own.bot.teammates.all())[0], "Test")
    page = (await ApiClient(own, token).get("/contacts?per_page=150")).body
    assert list(page["pages"]) == ["type", "page", "per_page", "total_pages"]
    assert page["pages"]["total_pages"] == 1


@pytest.mark.parametrize("query", ["per_page=0", "per_page=151", "per_page=x", "starting_after=x", "page=2", "page=0"])
async def test_a_page_that_can_t_be_is_refused(api: ApiClient, query: str) -> None:
    reply = await api.get(f"/contacts?{query}")
    assert (reply.status, reply.codes) == (400, ["parameter_invalid"])


async def test_a_merged_contact_answers_410(running: Running, api: ApiClient) -> None:
    kept, other = await new_contact(running), await new_contact(running)
    await running.bot.merge.merge(kept.id, other.id, Actor(kind="api", id="test"), Source.API)
    assert (await api.get(f"/contacts/{other.id}")).codes == ["contact_merged"]
