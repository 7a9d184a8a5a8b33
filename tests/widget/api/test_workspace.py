"""What the settings pages can do, through the API: segments, webhooks, secrets, the audit log, opt-out requests."""

from __future__ import annotations

from typing import Any

from bot.model.base import new_id
from bot.workspace.access import AGENT_SCOPES
from tests.widget.api.client import ApiClient, new_contact
from tests.widget.api.conftest import NewClient
from tests.widget.help import Running

USERS: dict[str, Any] = {"groups": [{"conditions": [{"field": "role", "roles": ["user"]}]}]}


async def test_a_segment_is_created_changed_archived_and_restored(running: Running, api: ApiClient) -> None:
    await new_contact(running)
    name = f"Users {new_id()}"
    made = (await api.post("/segments", {"name": name, "filter": USERS})).body
    assert (made["name"], made["filter"]["groups"][0]["conditions"][0]["roles"]) == (name, ["user"])
    path = f"/segments/{made['id']}"
    assert (await api.get(path)).body["name"] == name
    taken = await api.post("/segments", {"name": name, "filter": USERS})
    assert (taken.status, taken.body["errors"][0]["field"]) == (422, "name")
    renamed = (await api.put(path, {"name": f"{name}!", "filter": {"query": "maya"}})).body
    assert (renamed["name"], renamed["filter"]["query"]) == (f"{name}!", "maya")
    assert (await api.post(f"{path}/archive")).body["archived_at"]
    assert made["id"] not in {one["id"] for one in (await api.get("/segments")).body["segments"]}
    assert (await api.get(f"{path}/filter")).body["archived_at"]
    assert (await api.post(f"{path}/restore")).body["archived_at"] is None
    assert (await api.put("/segments/none", {"name": "x"})).status == 404


async def test_a_filter_that_can_t_be_stored_is_refused(api: ApiClient) -> None:
    long = {"groups": [{"conditions": [{"field": "contact", "ids": ["x" * 100] * 90}]}] * 2}
    assert (await api.post("/segments", {"name": new_id(), "filter": long})).status == 422
    assert (await api.post("/segments", {"name": new_id(), "filter": {"groups": [{}]}})).status == 400


async def test_identity_secrets_rotate_without_a_gap(own: Running) -> None:
    admin = (await own.bot.teammates.all())[0]
    api = ApiClient(own, await own.bot.tokens.make(admin, "Test"))
    (first,) = (await api.get("/secure_mode_secrets")).body["data"]
    assert "secret" not in first
    key = new_id()
    made = await api.post("/secure_mode_secrets", {"name": "Web", "supports_web": True}, Idempotency_Key=key)
    assert made.status == 201
    assert len(made.body["secret"]) > 40
    again = await api.post("/secure_mode_secrets", {"name": "Web", "supports_web": True}, Idempotency_Key=key)
    assert again.codes == ["conflict"]
    assert {one.secret for one in (await own.bot.workspace()).identity_secrets} > {made.body["secret"]}
    assert (await api.post("/secure_mode_secrets", {})).status == 422
    gone = await api.delete(f"/secure_mode_secrets/{first['id']}")
    assert (gone.status, gone.body) == (204, None)
    again = await api.delete(f"/secure_mode_secrets/{first['id']}")
    assert again.codes == ["identity_verification_secret_not_found"]
    assert [one["id"] for one in (await api.get("/secure_mode_secrets")).body["data"]] == [made.body["id"]]


async def test_a_webhook_is_created_changed_and_pinged(own: Running) -> None:
    """In a workspace of its own: nothing else is told to the endpoint."""
    api = ApiClient(own, await own.bot.tokens.make((await own.bot.teammates.all())[0], "Test"))
    url = f"https://shop-{new_id()}.example/sayso"
    key, body = new_id(), {"url": url, "name": "Shop", "topics": ["consent.recorded"]}
    made = (await api.post("/webhooks", body, Idempotency_Key=key)).body
    assert (made["enabled"], made["topics"], made["secret"][:6]) == (True, ["consent.recorded"], "whsec_")
    assert (await api.post("/webhooks", body, Idempotency_Key=key)).codes == ["conflict"]
    path = f"/webhooks/{made['id']}"
    changed = (await api.put(path, {"topics": ["granular.subscribe"], "enabled": False})).body
    assert (changed["topics"], changed["enabled"], changed["disabled_by"]) == (
        ["granular.subscribe"],
        False,
        "teammate",
    )
    ping = (await api.post(f"{path}/ping")).body
    assert (ping["topic"], ping["attempts"]) == ("ping", [])
    listed = (await api.get(f"{path}/notifications")).body
    assert ([one["id"] for one in listed["data"]], "next" in listed["pages"]) == ([ping["id"]], False)
    shown = (await api.get(f"{path}/notifications/{ping['id']}")).body
    assert shown["body"]["topic"] == "ping"
    assert (await api.post(f"{path}/notifications/{ping['id']}/replay")).body["queued"] == 1
    assert (await api.post(f"{path}/replay", {"since": 0, "until": 4_000_000_000})).body["queued"] == 1
    assert made["id"] in {one["id"] for one in (await api.get("/webhooks")).body["data"]}
    assert (await api.delete(path)).body["deleted"] is True
    assert (await api.get(path)).status == 404


async def test_a_webhook_to_a_private_address_is_refused(api: ApiClient) -> None:
    reply = await api.post("/webhooks", {"url": "http://169.254.169.254/", "topics": ["consent.recorded"]})
    assert (reply.status, reply.body["errors"][0]["field"]) == (422, "url")
    assert (await api.post("/webhooks", {"url": "https://shop.example", "topics": ["nothing"]})).status == 400


async def test_the_audit_log_names_the_token(api: ApiClient) -> None:
    name = f"Logged {new_id()}"
    await api.post("/segments", {"name": name, "filter": {}})
    entries = (await api.get("/audit_log?action=segment.saved&per_page=50")).body["data"]
    (mine,) = [entry for entry in entries if entry["subject"] == name]
    assert (mine["actor"]["token"], mine["actor"]["type"]) == ("Test", "admin")
    assert (await api.get("/audit_log?action=nothing")).status == 400
    page = (await api.get("/audit_log?per_page=1")).body
    after = page["pages"]["next"]["starting_after"].replace("%", "%25").replace("+", "%2B")
    second = (await api.get(f"/audit_log?per_page=1&starting_after={after}")).body
    assert second["data"][0]["id"] != page["data"][0]["id"]


async def test_an_agent_s_token_can_t_read_the_audit_log(new_client: NewClient) -> None:
    api = await new_client(AGENT_SCOPES)
    assert (await api.get("/audit_log")).codes == ["token_scope_missing"]


async def test_opt_out_requests_are_honored_and_dismissed(own: Running) -> None:
    admin = (await own.bot.teammates.all())[0]
    api = ApiClient(own, await own.bot.tokens.make(admin, "Test"))
    for number, text in (("+12015550177", "how can I unsubscribe here?"), ("+12015550178", "Is it harassment?")):
        await own.bot.receive(number, text, f"flagged-{number}")
    first, second = (await api.get("/opt_out_requests")).body["data"]
    assert {first["text"], second["text"]} == {"how can I unsubscribe here?", "Is it harassment?"}
    honored = await api.post(f"/opt_out_requests/{first['id']}/honor")
    assert (honored.status, honored.body["state"]) == (200, "honored")
    assert (await api.get(f"/contacts/{first['contact_id']}")).body["unsubscribed_from_sms"] is True
    assert (await api.post(f"/opt_out_requests/{first['id']}/dismiss")).codes == ["conflict"]
    assert (await api.post(f"/opt_out_requests/{second['id']}/dismiss")).body["state"] == "dismissed"
    assert (await api.get("/opt_out_requests")).body["data"] == []
    assert (await api.post("/opt_out_requests/none/honor")).status == 404
