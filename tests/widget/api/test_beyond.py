"""What Intercom's API lacks: permission with its reason, consent events, evidence, managing subscription types."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from ulid import ULID

from bot.consent.verify import verify
from bot.demo import DEALS, NEWS, ORDERS
from bot.model.base import new_id, new_ulid, now
from bot.model.subscription import SubscriptionState
from tests.conftest import eventually
from tests.people import NUMBER
from tests.widget.api.client import ApiClient, Reply, new_contact
from tests.widget.api.test_subscriptions import new_subscription, opt_out
from tests.widget.help import Running
from widget.api import consent_events

OPT_IN = {"id": DEALS, "consent_type": "opt_in"}


def seconds(ago: int = 0) -> int:
    return int(now().timestamp()) - ago


def consent(answer: str = "opt_in", how: str = "paper", given_at: int | None = None, **more: Any) -> dict[str, Any]:
    evidence = {"how": how, "given_at": seconds() if given_at is None else given_at, "note": "At the counter"}
    return {"subscription": DEALS, "answer": answer, "evidence": evidence, **more}


async def permission_of(api: ApiClient, contact: str, subscription: str = DEALS, **query: int) -> dict[str, Any]:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    (found,) = (await api.get(f"/contacts/{contact}/permissions?subscription={subscription}{more}")).body["data"]
    return dict(found)


async def test_permission_is_told_for_every_type_with_its_reason(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone=NUMBER)
    found = {p["subscription"]: p for p in (await api.get(f"/contacts/{contact.id}/permissions")).body["data"]}
    told = {id: (found[id]["allowed"], found[id]["reason"], found[id]["state"]) for id in (DEALS, ORDERS, NEWS)}
    assert told == {
        DEALS: (False, "not_opted_in", "none"),
        ORDERS: (True, "not_opted_out", "none"),
        NEWS: (False, "no_valid_email", "none"),
    }
    await api.post(f"/contacts/{contact.id}/subscriptions", OPT_IN)
    deals = await permission_of(api, contact.id)
    (event,) = await running.store.events.after(contact.id, 1, limit=5)
    assert (deals["allowed"], deals["reason"], deals["grade"], deals["source"]) == (True, "opted_in", "asserted", "api")
    assert (deals["event"], deals["since"]) == (event.event, int(event.at.timestamp()))


async def test_permission_is_told_as_of_an_instant(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone=NUMBER)
    await api.post(f"/contacts/{contact.id}/subscriptions", OPT_IN)
    then, later = seconds(3600), seconds(-1)
    assert (await permission_of(api, contact.id, at=then))["state"] == "none"
    past = await permission_of(api, contact.id, at=later)
    assert (past["allowed"], past["reason"], past["state"]) == (True, "opted_in", "opted_in")
    everything = (await api.get(f"/contacts/{contact.id}/permissions?at={later}")).body
    assert {ORDERS, NEWS, DEALS} <= {p["subscription"] for p in everything["data"]}
    assert everything["at"] == later


async def test_a_consent_is_recorded_with_its_evidence_and_once(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone=NUMBER)
    path, body = f"/contacts/{contact.id}/consents", consent()
    first = await api.post(path, body, Idempotency_Key="card-7")
    assert first.body == {
        "type": "consent",
        "contact_id": contact.id,
        "subscription": DEALS,
        "state": "opted_in",
        "grade": "paper",
        "event": first.body["event"],
    }
    assert (await api.post(path, body, Idempotency_Key="card-7")).body == first.body
    assert (await api.post(path, body)).body["event"] is None, "nothing had to change"
    (event,) = await running.store.events.after(contact.id, 1, limit=5)
    assert (event.event, event.evidence and event.evidence.note) == (first.body["event"], "At the counter")
    assert event.follow_ups is None


@pytest.mark.parametrize(
    ("how", "newer", "status"),
    [("paper", True, 200), ("written", True, 200), ("spoken", True, 409), ("paper", False, 409)],
)
async def test_only_newer_written_evidence_overrides_an_opt_out(
    running: Running, api: ApiClient, how: str, newer: bool, status: int
) -> None:
    contact = await new_contact(running, phone=NUMBER)
    await running.bot.ledger.record(opt_out(contact.id, DEALS))
    given_at = seconds(-60) if newer else seconds(3600)
    reply = await api.post(f"/contacts/{contact.id}/consents", consent(how=how, given_at=given_at))
    assert reply.status == status
    if status == 409:
        assert reply.codes == ["own_opt_out"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"subscription": DEALS, "answer": "opt_in"}, 422, "how"),
        (consent(how="other") | {"evidence": {"how": "other", "given_at": 1}}, 422, "note"),
        (consent(given_at=4_000_000_000), 422, "given_at"),
        (consent(how="guess"), 400, "evidence.how"),
        (consent(answer="maybe"), 400, "answer"),
    ],
)
async def test_evidence_is_checked(running: Running, api: ApiClient, body: Any, status: int, field: str) -> None:
    contact = await new_contact(running, phone=NUMBER)
    reply = await api.post(f"/contacts/{contact.id}/consents", body)
    assert (reply.status, [error["field"] for error in reply.body["errors"]]) == (status, [field])


async def test_an_opt_out_needs_no_evidence(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone=NUMBER)
    await api.post(f"/contacts/{contact.id}/subscriptions", OPT_IN)
    reply = await api.post(f"/contacts/{contact.id}/consents", {"subscription": DEALS, "answer": "opt_out"})
    assert (reply.body["state"], reply.body["grade"]) == ("opted_out", None)


async def test_double_opt_in_asks_unless_the_program_says_not_to(running: Running, api: ApiClient) -> None:
    asks = await new_subscription(running, double_opt_in=True)
    contact = await new_contact(running, phone=NUMBER)
    path, body = f"/contacts/{contact.id}/consents", {**consent(), "subscription": asks.id}
    assert (await api.post(path, body)).body["state"] == "pending"
    assert (await api.post(path, {**body, "asks": False})).body["state"] == "opted_in"
    await running.store.subscriptions.update({"_id": asks.id}, {"$set": {"state": SubscriptionState.ARCHIVED}})


async def test_a_contact_s_events_have_the_words_and_the_hashes(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone=NUMBER)
    await api.post(f"/contacts/{contact.id}/subscriptions", OPT_IN)
    await api.post(f"/contacts/{contact.id}/consents", {"subscription": DEALS, "answer": "opt_out"})
    path = f"/contacts/{contact.id}/consent_events?per_page=2"
    first = (await api.get(path)).body
    rest = (await api.get(f"{path}&since={first['next']}")).body
    events = [*first["data"], *rest["data"]]
    assert ([event["action"] for event in events], rest["next"]) == (["change_address", "opt_in", "opt_out"], None)
    assert [event["previous_hash"] for event in events[1:]] == [event["hash"] for event in events[:-1]]
    assert (events[1]["actor"]["type"], events[1]["grade"], events[1]["phone"]) == ("api", "asserted", NUMBER)
    assert events[1]["words"] is None, "nobody was shown any"


async def test_all_events_are_read_once_from_a_cursor_on(
    running: Running, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent_events, "SETTLED", timedelta(0))
    start = (await api.get("/consent_events?per_page=1")).body["data"]
    contacts = [(await new_contact(running, phone=NUMBER)).id for _ in range(3)]
    since, seen = start[-1]["id"] if start else "", list[str]()

    async def all_are_seen() -> bool:
        nonlocal since
        page: Reply = await api.get(f"/consent_events?since={since}&per_page=100")
        since = page.body["next"]
        seen.extend(event["contact_id"] for event in page.body["data"])
        return {*contacts} <= {*seen}

    await eventually(all_are_seen)
    assert [seen.count(id) for id in contacts] == [1, 1, 1]


async def test_an_event_is_listed_once_none_can_be_stored_before_it(
    running: Running, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids may be out of commit order by a minute."""
    contact = await new_contact(running, phone=NUMBER)
    (event,) = await running.store.events.after(contact.id, 0, limit=5)
    made = ULID.from_str(event.event).datetime
    path = f"/consent_events?since={new_ulid(made - timedelta(milliseconds=1))}&per_page=150"
    for seconds, is_listed in ((59, False), (61, True)):
        monkeypatch.setattr(consent_events, "now", lambda s=seconds: made + timedelta(seconds=s))
        found = [event["id"] for event in (await api.get(path)).body["data"]]
        assert (event.event in found) is is_listed


async def test_a_subscription_type_is_created_edited_published_archived_and_restored(api: ApiClient) -> None:
    name = f"Deals {new_id()}"
    new = {"name": name, "message_type": "sms", "consent_type": "opt_in", "double_opt_in": True}
    made = await api.post("/subscription_types", new, Idempotency_Key=name)
    assert (await api.post("/subscription_types", new, Idempotency_Key=name)).body == made.body
    path = f"/subscription_types/{made.body['id']}"
    assert (made.body["state"], made.body["purpose"], made.body["version"]) == ("draft", "marketing", 1)
    edited = (await api.put(path, {"description": "Twice a month", "translations": {"es": {"name": "Ofertas"}}})).body
    assert (edited["default_translation"]["name"], edited["default_translation"]["description"]) == (
        name, "Twice a month",
    )  # fmt: skip
    assert (edited["double_opt_in"], edited["translations"][1]["name"]) == (True, "Ofertas")
    reply = await api.put(path, {"description": "Late", "version": 1})
    assert (reply.status, reply.codes) == (409, ["conflict"])
    states = [
        (await api.post(f"{path}/{act}", {})).body["state"] for act in ("publish", "archive", "restore", "archive")
    ]
    assert states == ["live", "archived", "live", "archived"]
    assert (await api.get(path)).body["state"] == "archived"
    assert (await api.post(f"{path}/publish", {})).codes == ["parameter_invalid"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"message_type": "sms", "consent_type": "opt_in"}, 400, "name"),
        ({"name": "\u200b", "message_type": "sms", "consent_type": "opt_in"}, 400, "name"),
        ({"name": "X", "message_type": "fax", "consent_type": "opt_in"}, 400, "message_type"),
        ({"name": "X", "message_type": "email", "consent_type": "opt_in", "double_opt_in": True}, 422, None),
        ({"name": "X", "message_type": "sms", "consent_type": "opt_in", "state": "live"}, 400, "state"),
        ({"name": "X", "message_type": "sms", "consent_type": "opt_in", "language": "xx_yy"}, 400, "language"),
    ],
)
async def test_a_subscription_type_that_can_t_be_is_refused(
    api: ApiClient, body: Any, status: int, field: str | None
) -> None:
    reply = await api.post("/subscription_types", body)
    assert (reply.status, [error["field"] for error in reply.body["errors"]]) == (status, [field])


async def test_what_the_api_recorded_verifies(own: Running) -> None:
    api = ApiClient(own, await own.bot.tokens.make((await own.bot.teammates.all())[0], "Test"))
    contact = await new_contact(own, phone=NUMBER)
    await api.post(f"/contacts/{contact.id}/consents", consent())
    await api.post(f"/contacts/{contact.id}/subscriptions", {"id": ORDERS, "consent_type": "opt_out"})
    report = await verify(own.store, repair=False)
    assert (report.broken, report.stale, report.miscounted) == ({}, [], {})
