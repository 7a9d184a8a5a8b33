"""Intercom's routes of subscriptions, and whose no they respect."""

from __future__ import annotations

import pytest

from bot.consent.changes import ConsentChange
from bot.demo import DEALS, NEWS, ORDERS
from bot.i18n import translator
from bot.model.base import new_id, now
from bot.model.event import Action, Actor, Grade, Source
from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState
from tests.people import NUMBER
from tests.widget.api.client import ApiClient, new_contact
from tests.widget.help import Running
from widget.inbox.history import entries_of

OPT_IN = {"id": DEALS, "consent_type": "opt_in"}
OPT_OUT = {"id": ORDERS, "consent_type": "opt_out"}


async def new_subscription(running: Running, **values: object) -> Subscription:
    usual = {"message_type": MessageType.SMS, "consent_type": ConsentType.OPT_IN, "state": SubscriptionState.LIVE}
    id, time = new_id(), now()
    made = Subscription(id=id, name=f"S {id}", created_at=time, updated_at=time, **(usual | values))
    await running.store.subscriptions.insert(made)
    return made


def opt_out(contact: str, subscription: str) -> ConsentChange:
    """A person's own no."""
    return ConsentChange(
        contact=contact,
        subscription=subscription,
        action=Action.OPT_OUT,
        source=Source.PREFERENCE_CENTER,
        actor=Actor(kind="contact", id=contact),
        number=NUMBER,
        key=new_id(),
    )


async def ids(api: ApiClient, contact: str) -> set[str]:
    reply = await api.get(f"/contacts/{contact}/subscriptions")
    assert (reply.status, reply.body["type"], list(reply.body)) == (200, "list", ["type", "data"])
    return {item["id"] for item in reply.body["data"]}


async def test_a_subscription_type_has_the_shape_of_intercom_s(api: ApiClient) -> None:
    reply = await api.get("/subscription_types")
    found = {item["id"]: item for item in reply.body["data"]}
    deals = found[DEALS]
    assert list(deals) == [
        "type", "id", "state", "consent_type", "default_translation", "translations", "content_types",
    ]  # fmt: skip
    assert (deals["type"], deals["state"], deals["consent_type"]) == ("subscription", "live", "opt_in")
    assert deals["default_translation"] == deals["translations"][0]
    assert list(deals["default_translation"]) == ["name", "description", "locale"]
    assert {words["locale"] for words in deals["translations"]} >= {"en", "es"}
    assert (deals["content_types"], found[NEWS]["content_types"]) == (["sms_message"], ["email"])


async def test_a_contact_is_opted_in_and_out(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone=NUMBER)
    path = f"/contacts/{contact.id}/subscriptions"
    assert await ids(api, contact.id) == set()
    for _ in range(2):  # again: nothing changes
        reply = await api.post(path, OPT_IN)
        assert (reply.status, reply.body["id"], reply.body["type"]) == (200, DEALS, "subscription")
    assert await ids(api, contact.id) == {DEALS}
    for _ in range(2):
        reply = await api.delete(f"{path}/{DEALS}")
        assert (reply.status, reply.body["id"]) == (200, DEALS)
    assert await ids(api, contact.id) == set()
    events = await running.store.events.after(contact.id, 0, limit=100)
    assert [(event.action, event.source, event.actor.kind) for event in events[1:]] == [
        ("opt_in", "api", "api"),
        ("opt_out", "api", "api"),
    ]
    assert (events[1].grade, events[1].number, events[1].words) == (Grade.ASSERTED, NUMBER, None)
    history = await running.bot.consents.history(contact.id)
    said = [entry.said for entry in entries_of(history, "", translator("en"))]
    assert said[:2] == ["Opted out via the API · Test", "Opted in via the API · Test"], "with the token's name"


async def test_an_opt_out_type_is_attached_to_opt_out_and_a_program_can_t_take_that_back(
    running: Running, api: ApiClient
) -> None:
    contact = await new_contact(running, phone=NUMBER)
    path = f"/contacts/{contact.id}/subscriptions"
    assert (await api.delete(f"{path}/{ORDERS}")).status == 200, "they never opted out"
    assert (await api.post(path, OPT_OUT)).status == 200
    assert await ids(api, contact.id) == {ORDERS}
    reply = await api.delete(f"{path}/{ORDERS}")
    assert (reply.status, reply.codes) == (409, ["own_opt_out"])
    assert await ids(api, contact.id) == {ORDERS}


async def test_a_person_s_own_no_is_never_overturned(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone=NUMBER)
    path = f"/contacts/{contact.id}/subscriptions"
    await api.post(path, OPT_IN)
    await running.bot.ledger.record(opt_out(contact.id, DEALS))
    reply = await api.post(path, OPT_IN)
    message = "This person opted out. Only written consent, dated after their opt-out, counts."
    assert reply.error == (409, "own_opt_out", message)
    events = await running.store.events.after(contact.id, 0, limit=100)
    assert [event.action for event in events] == ["change_address", "opt_in", "opt_out"]


async def test_a_stopped_number_is_not_opted_in(running: Running, api: ApiClient) -> None:
    number = "+12015550237"  # nobody else's in this workspace: it stays stopped
    contact = await new_contact(running, phone=number)
    await running.bot.stops.stop(number, "STOP", new_id())
    reply = await api.post(f"/contacts/{contact.id}/subscriptions", OPT_IN)
    assert (reply.status, reply.codes) == (422, ["number_stopped"])


async def test_a_contact_without_an_address_can_t_be_opted_in(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running)
    path = f"/contacts/{contact.id}/subscriptions"
    reply = await api.post(path, OPT_IN)
    assert reply.error == (422, "unreachable", "This contact has no valid phone number. Add one first.")
    reply = await api.post(path, {**OPT_IN, "id": NEWS})
    assert reply.error == (422, "unreachable", "This contact has no valid email address. Add one first.")
    assert (await api.post(path, OPT_OUT)).status == 200, "a no is recorded whatever happens"


async def test_double_opt_in_asks_by_text(running: Running, api: ApiClient) -> None:
    asks = await new_subscription(running, double_opt_in=True)
    contact = await new_contact(running, phone=NUMBER)
    for _ in range(2):
        assert (await api.post(f"/contacts/{contact.id}/subscriptions", {**OPT_IN, "id": asks.id})).status == 200
    assert await ids(api, contact.id) == set()
    (event,) = (await running.store.events.after(contact.id, 0, limit=100))[1:]
    assert (event.action, event.follow_ups, event.grade) == ("request_confirmation", ["question"], "asserted")
    await running.store.subscriptions.update({"_id": asks.id}, {"$set": {"state": SubscriptionState.ARCHIVED}})


async def test_only_a_live_type_can_be_opted_in_to_and_any_type_out_of(running: Running, api: ApiClient) -> None:
    for state in (SubscriptionState.DRAFT, SubscriptionState.ARCHIVED):
        contact = await new_contact(running, phone=NUMBER)
        path = f"/contacts/{contact.id}/subscriptions"
        opt_in_type = await new_subscription(running, state=state)
        opt_out_type = await new_subscription(running, state=state, consent_type=ConsentType.OPT_OUT)
        reply = await api.post(path, {"id": opt_in_type.id, "consent_type": "opt_in"})
        assert (reply.status, reply.codes) == (422, ["parameter_invalid"])
        assert (await api.post(path, {"id": opt_out_type.id, "consent_type": "opt_out"})).status == 200


async def test_the_consent_type_must_be_that_of_the_subscription(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone=NUMBER)
    reply = await api.post(f"/contacts/{contact.id}/subscriptions", {"id": DEALS, "consent_type": "opt_out"})
    assert reply.error == (400, "parameter_invalid", "This subscription type has the consent type opt_in.")
    assert reply.body["errors"][0]["field"] == "consent_type"


@pytest.mark.parametrize("id", ["invalid_id", 37846])
async def test_what_does_not_exist_is_not_found_in_intercom_s_words(
    running: Running, api: ApiClient, id: object
) -> None:
    contact = await new_contact(running, phone=NUMBER)
    path = f"/contacts/{contact.id}/subscriptions"
    assert (await api.post(path, {**OPT_IN, "id": id})).error == (404, "not_found", "Resource Not Found")
    assert (await api.delete(f"{path}/{id}")).error == (404, "not_found", "Resource Not Found")
    nobody = f"/contacts/{new_id()}/subscriptions"
    for reply in (await api.get(nobody), await api.post(nobody, OPT_IN), await api.delete(f"{nobody}/{DEALS}")):
        assert reply.error == (404, "not_found", "User Not Found")


async def test_a_merged_contact_names_the_one_that_is_kept(running: Running, api: ApiClient) -> None:
    kept, other = await new_contact(running, phone=NUMBER), await new_contact(running)
    await running.bot.merge.merge(kept.id, other.id, Actor(kind="api", id="test"), Source.API)
    reply = await api.get(f"/contacts/{other.id}/subscriptions")
    assert (reply.status, reply.codes) == (410, ["contact_merged"])
    assert reply.headers["Link"] == f'</api/contacts/{kept.id}>; rel="canonical"'
