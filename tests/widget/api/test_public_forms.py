"""Public forms through the API."""

from __future__ import annotations

from bot.consent.checker import NAMES
from bot.demo import DEALS, NEWS
from bot.model.base import new_id
from tests.widget.api.client import ApiClient
from tests.widget.help import Running


async def test_a_form_is_created_published_taken_offline_and_deleted(running: Running, api: ApiClient) -> None:
    body = {"name": f"Poster {new_id()}", "subscription": DEALS, "title": "Get our deals by text"}
    made = (await api.post("/public_forms", body, Idempotency_Key=new_id())).body
    assert (made["name"], made["title"], made["public"], made["live"]) == (body["name"], body["title"], False, False)
    path = f"/public_forms/{made['id']}"
    public = (await api.post(f"{path}/publish")).body
    assert (public["public"], public["live"]) == (True, True)
    for address in ("", "/terms", "/poster", "/qr.svg"):
        async with running.session.get(f"{running.base}/f/{made['id']}{address}") as page:
            assert page.status == 200, address
    assert (public["url"], public["terms_url"]) == (made["url"], f"{made['url']}/terms")
    assert made["id"] in [one["id"] for one in (await api.get("/public_forms")).body["data"]]
    assert (await api.post(f"{path}/unpublish")).body == (await api.get(path)).body
    assert (await api.get(path)).body["live"] is False
    assert (await api.delete(path)).body == {"type": "public_form", "id": made["id"], "deleted": True}
    assert (await api.get(path)).error == (404, "not_found", "Resource Not Found")
    assert (await api.delete(path)).status == 404


async def test_the_carrier_pack_has_its_files_and_gaps(api: ApiClient) -> None:
    name = new_id()
    made = (await api.post("/public_forms", {"name": name, "subscription": DEALS, "title": "Deals"})).body
    path = f"/public_forms/{made['id']}/carrier_pack"
    headers = {"Authorization": f"Bearer {api.token}"}
    async with api.running.session.head(f"{api.running.base}/api{path}", headers=headers) as answer:
        assert answer.status == 200
    pack = (await api.get(path)).body
    entries = (await api.get("/audit_log?action=form_template.carrier_pack_downloaded&per_page=150")).body["data"]
    assert [entry["subject"] for entry in entries].count(name) == 1, "GET, not HEAD"
    assert {"README.txt", "message-flow.txt", "campaign-10dlc.json", "form.svg"} <= {*pack["files"]}
    assert made["url"] in pack["files"]["message-flow.txt"]
    assert {True, False} == {check["met"] for check in pack["checks"]}, "it isn't published"
    letter = {"name": new_id(), "subscription": NEWS, "title": "News", "accepted": [*NAMES]}
    mail = (await api.post("/public_forms", letter)).body
    assert (await api.get(f"/public_forms/{mail['id']}/carrier_pack")).status == 404


async def test_a_form_that_lacks_statements_or_a_name_is_refused(api: ApiClient) -> None:
    body = {"name": new_id(), "subscription": DEALS, "title": "Deals"}
    assert (await api.post("/public_forms", {**body, "legal_text": "Yes!"})).codes == ["wording_incomplete"]
    assert (await api.post("/public_forms", body)).status == 200
    assert (await api.post("/public_forms", body)).status == 422, "the name is taken"
    assert (await api.post("/public_forms", {**body, "subscription": "nothing"})).status == 404
    assert (await api.get("/public_forms/nothing")).status == 404
