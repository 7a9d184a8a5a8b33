"""Imports and exports of contacts through the API."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

from bot.demo import DEALS
from bot.jobs.rules import ENDED
from bot.model.base import new_id
from bot.model.contact import ConsentState
from bot.model.teammate import By
from bot.workspace.access import AGENT_SCOPES
from tests.conftest import eventually
from tests.widget.api.client import ApiClient, Reply, new_contact
from tests.widget.api.conftest import NewClient
from tests.widget.help import Running


async def ended(running: Running, job: str) -> None:
    async def is_over() -> bool:
        return (await running.bot.jobs.get(job)).state in ENDED

    await eventually(is_over)


def customers(number: int) -> tuple[str, str]:
    """A user ID that no other test has, and a file with this person and a bad row."""
    id = new_id()
    return id, f"Customer ID,Name,Mobile,Points\n{id},Maya,(201) 555-0{number},7\n{new_id()},Ben,12,8\n"


async def checked(running: Running, api: ApiClient, csv: str, **plan: Any) -> Any:
    made = (await api.post("/imports", {"file": f"{new_id()}.csv", "csv": csv})).body
    answer = await api.post(f"/imports/{made['id']}/check", plan)
    assert answer.status == 202, answer
    await ended(running, answer.body["check"]["id"])
    return (await api.get(f"/imports/{made['id']}")).body


async def test_a_file_is_uploaded_checked_imported_and_undone(running: Running, api: ApiClient) -> None:
    id, csv = customers(181)
    name = f"{new_id()}.csv"
    body = {"file": name, "csv": f"\ufeff{csv}"}
    made = (await api.post("/imports", body, Idempotency_Key=new_id())).body
    guessed = [(one["column"], one["target"]) for one in made["mapping"]]
    assert guessed == [("Customer ID", "external_id"), ("Name", "name"), ("Mobile", "phone"), ("Points", "")]
    path = f"/imports/{made['id']}"
    assert (await api.post(f"{path}/start")).codes == ["conflict"], "it isn't checked"
    plan = {"everyone_in": DEALS, "how": "paper", "given_at": 1_700_000_000, "note": "Cards"}
    check = (await api.post(f"{path}/check", plan)).body["check"]
    await ended(running, check["id"])
    counts = (await api.get(path)).body["check"]["counts"]
    assert (counts["created"], counts["failed"], counts["opted_in"]) == (1, 1, 1)
    assert (await api.get(f"/contacts/find_by_external_id/{id}")).status == 404, "a check changes nothing"

    job = await api.post(f"{path}/start")
    assert (job.status, job.body["id"]) == (202, made["id"])
    await ended(running, made["id"])
    assert (await api.post(f"{path}/start")).body["id"] == made["id"], "once"
    assert (await api.post(f"{path}/check", plan)).codes == ["conflict"], "it is imported"
    contact = (await api.get(f"/contacts/find_by_external_id/{id}")).body
    held = await running.bot.ledger.contact(contact["id"])
    assert held
    assert [(c.subscription, c.state, c.evidence) for c in held.consents] == [(DEALS, ConsentState.OPTED_IN, "paper")]
    failed = await api.get(f"{path}/failed_rows.csv")
    head, row = failed.body.lstrip("\ufeff").splitlines()
    assert (head, "Ben,12,8,3," in row) == ("Customer ID,Name,Mobile,Points,Line,Problem", True)
    assert made["id"] in [one["id"] for one in (await api.get("/imports")).body["data"]]

    undo = await api.post(f"{path}/undo")
    await ended(running, undo.body["id"])
    assert (await api.get(path)).body["undo"]["counts"]["restored"] == 1
    entries = (await api.get("/audit_log?per_page=50")).body["data"]
    mine = {entry["action"] for entry in entries if entry["subject"] == name}
    assert {"contacts.uploaded", "contacts.imported", "contacts.import_undone"} <= mine


async def test_an_import_shows_its_plan_and_null_clears_what_can_be_unknown(running: Running, api: ApiClient) -> None:
    plan = {"how": "paper", "given_at": 1_700_000_000, "note": "Cards\r\non the counter\x00", "date_order": "day_first"}
    file = await checked(running, api, customers(185)[1], **plan)
    assert {name: file[name] for name in plan} == {**plan, "note": "Cards\non the counter"}
    assert (file["region"], file["existing"], file["creates"], file["everyone_in"]) == ("US", "update", True, "")
    path = f"/imports/{file['id']}"
    cleared = (await api.post(f"{path}/check", {"how": None, "given_at": None})).body
    await ended(running, cleared["check"]["id"])
    assert (cleared["how"], cleared["given_at"], cleared["date_order"]) == (None, None, "day_first")
    for name in ("mapping", "region", "creates", "note"):
        assert (await api.post(f"{path}/check", {name: None})).codes == ["type_mismatch"]


async def test_a_file_name_is_one_line(running: Running, api: ApiClient) -> None:
    name, csv = "list.csv\nText shown: I agree", customers(186)[1]
    assert (await api.post("/imports", {"file": name, "csv": csv})).body["file"] == "list.csv Text shown: I agree"
    stored = await running.bot.imports.upload(BytesIO(csv.encode()), name, len(csv), By("ada", "Ada"))
    assert stored.file == "list.csv Text shown: I agree"


async def test_columns_are_mapped_by_name(running: Running, api: ApiClient) -> None:
    csv = customers(182)[1]
    mapping = {"Customer ID": "external_id", "Name": "name", "Mobile": ""}
    file = await checked(running, api, csv, mapping=mapping)
    assert [one["target"] for one in file["mapping"]] == ["external_id", "name", "", ""]
    assert file["check"]["counts"]["created"] == 2
    targets = (await api.get("/imports/targets")).body["data"]
    assert {"phone", f"consent:{DEALS}"} <= {one["target"] for one in targets}


async def test_files_and_plans_that_can_t_be_are_refused(api: ApiClient, new_client: NewClient) -> None:
    def fields(reply: Reply) -> list[str]:
        assert reply.status == 422, reply
        return [fault["field"] for fault in reply.body["errors"]]

    for csv in ("", "Name,Phone\n", "%PDF-1.7", 'a,b\n"' + "x" * 1_000_001):
        assert (await api.post("/imports", {"csv": csv})).codes == ["parameter_invalid"]
    assert (await api.post("/imports", {"file": "list.csv"})).codes == ["parameter_missing"]
    assert (await api.post("/imports", {"csv": 7})).codes == ["type_mismatch"]
    path = f"/imports/{(await api.post('/imports', {'csv': customers(183)[1]})).body['id']}"
    assert fields(await api.post(f"{path}/check", {"mapping": {"Nothing": "name"}})) == ["mapping.Nothing"]
    assert fields(await api.post(f"{path}/check", {"mapping": {"Mobile": "fax"}})) == ["mapping.Mobile", None]
    assert fields(await api.post(f"{path}/check", {"everyone_in": DEALS})) == ["how"]
    assert (await api.post(f"{path}/check", {"everyone_in": "none", "how": "paper"})).status == 422
    assert (await api.post(f"{path}/undo")).codes == ["conflict"]
    for act in ("check", "start", "undo"):
        assert (await api.post(f"/imports/none/{act}", {})).error == (404, "not_found", "Resource Not Found")
    assert (await api.get("/imports/none/failed_rows.csv")).status == 404
    agent = await new_client(AGENT_SCOPES)
    assert (await agent.post("/imports", {"csv": "x"})).codes == ["token_scope_missing"]


async def downloads(api: ApiClient) -> list[Any]:
    """In the audit log."""
    entries = (await api.get("/audit_log?action=contacts.exported&per_page=150")).body["data"]
    return [entry for entry in entries if entry["detail"] == "1 ndjson"]


async def test_contacts_are_exported_to_a_file(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, email=f"{new_id()}@example.com")
    body, key = {"contacts": [contact.id], "format": "ndjson"}, new_id()
    started = await api.post("/exports", body, Idempotency_Key=key)
    assert started.status == 202
    id = started.body["id"]
    await ended(running, id)
    found = (await api.get(f"/exports/{id}")).body
    assert (found["file_url"], found["job"]["state"]) == (f"/api/exports/{id}/file", "done")
    before = len(await downloads(api))
    file = await api.get(f"/exports/{id}/file")
    assert file.headers["Content-Type"].startswith("application/x-ndjson")
    assert [json.loads(row)["email"] for row in file.body.splitlines()] == [contact.email]
    assert (await api.post("/exports", body, Idempotency_Key=key)).body["id"] == id
    headers = {"Authorization": f"Bearer {api.token}"}
    async with running.session.head(f"{running.base}/api/exports/{id}/file", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
    assert len(await downloads(api)) == before + 1, "GET, not HEAD"


async def test_an_export_of_a_filter_is_a_table(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, email=f"{new_id()}@example.com")
    one = {"groups": [{"conditions": [{"field": "contact", "ids": [contact.id]}]}]}
    started = (await api.post("/exports", {"filter": one})).body
    await ended(running, started["id"])
    file = await api.get(f"/exports/{started['id']}/file")
    head, row = file.body.lstrip("\ufeff").splitlines()
    assert (head.startswith("id,"), row.startswith(contact.id)) == (True, True)
    segment = (await api.post("/segments", {"name": f"One {new_id()}", "filter": one})).body
    again = (await api.post("/exports", {"segment": segment["id"]})).body
    await ended(running, again["id"])
    assert (await api.get(f"/exports/{again['id']}")).body["job"]["done"] == 1


async def test_exports_that_can_t_be_are_refused(running: Running, api: ApiClient) -> None:
    assert (await api.post("/exports", {})).status == 400
    assert (await api.post("/exports", {"filter": {}, "segment": "x"})).status == 400
    assert (await api.post("/exports", {"segment": "none"})).status == 404
    assert (await api.post("/exports", {"filter": {}, "format": "xlsx"})).status == 400
    _, csv = customers(184)
    other = (await checked(running, api, csv))["check"]["id"]
    for path in ("/exports/none", "/exports/none/file", f"/exports/{other}", f"/exports/{other}/file"):
        assert (await api.get(path)).error == (404, "not_found", "Resource Not Found")
