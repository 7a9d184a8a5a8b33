"""Many contacts in one request: every one of them has a result."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.contacts.program_batch import BatchAction
from bot.demo import DEALS
from bot.jobs.kinds.edit_contacts import ContactBatchInput, EditContacts
from bot.jobs.rules import ENDED
from bot.model.base import new_id, now
from bot.model.event import Actor
from bot.model.job import Job
from bot.model.teammate import By, Teammate
from tests.conftest import eventually
from tests.people import NUMBER
from tests.widget.api.client import ApiClient, Reply, new_contact
from tests.widget.api.test_subscriptions import opt_out
from tests.widget.help import Running
from widget.api.bulk_contacts import BulkJobAnswer

PAPER = {"how": "paper", "given_at": 1_700_000_000, "note": "Card filled in at the counter"}


async def ended(running: Running, reply: Reply) -> Job:
    assert reply.status == 202, reply

    async def job() -> Job | None:
        found = await running.bot.jobs.get(reply.body["id"])
        return found if found.state in ENDED else None

    found = await eventually(job)
    assert isinstance(found, Job)
    return found


async def results(running: Running, api: ApiClient, reply: Reply) -> dict[int, Any]:
    """By place in the request."""
    await ended(running, reply)
    return {one["index"]: one for one in (await api.get(f"/contacts/bulk/{reply.body['id']}")).body["results"]}


async def test_contacts_are_created_and_twins_rejected(running: Running, api: ApiClient) -> None:
    external_id, tag = new_id(), (await api.post("/tags", {"name": f"Bulk {new_id()}"})).body["id"]
    contacts = [
        {"role": "lead", "phone": NUMBER, "name": "Maya", "tags": {"add": [{"id": tag}, {"id": "gone"}]}},
        {"external_id": external_id},
        {"external_id": external_id},
        {"role": "lead", "phone": "12"},
    ]
    reply = await api.post("/contacts/bulk", {"contacts": contacts}, Idempotency_Key=new_id())
    assert list(reply.body) == list(BulkJobAnswer.model_fields)
    found = await results(running, api, reply)
    assert [found[place]["outcome"] for place in range(4)] == ["created", "created", "rejected", "rejected"]
    assert [found[place]["code"] for place in range(4)] == [None, None, "conflict", "parameter_invalid"]
    maya = (await api.get(f"/contacts/{found[0]['contact_id']}")).body
    assert (maya["name"], maya["phone"], [one["id"] for one in maya["tags"]["data"]]) == ("Maya", NUMBER, [tag])
    job = (await api.get(f"/contacts/bulk/{reply.body['id']}")).body
    assert (job["state"], job["tasks"][0]["item_count"]) == ("completed_with_errors", 4)
    stored = await running.store.jobs.get(reply.body["id"])
    assert stored
    assert "edits" not in stored.input


async def test_contacts_are_updated_and_deleted(running: Running, api: ApiClient) -> None:
    maya, gone = await new_contact(running, phone=NUMBER), new_id()
    edits = [{"id": maya.id, "name": "Maya", "phone": None}, {"id": gone, "name": "Nobody"}]
    found = await results(running, api, await api.put("/contacts/bulk", {"contacts": edits}))
    assert [(found[place]["outcome"], found[place]["code"]) for place in (0, 1)] == [
        ("updated", None),
        ("rejected", "not_found"),
    ]
    after = (await api.get(f"/contacts/{maya.id}")).body
    assert (after["name"], after["phone"]) == ("Maya", None)
    deleted = await results(
        running, api, await api.post("/contacts/bulk/delete", {"contacts": [{"id": maya.id}, {"id": gone}]})
    )
    assert [deleted[place]["outcome"] for place in (0, 1)] == ["deleted", "rejected"]
    assert (await api.get(f"/contacts/{maya.id}")).status == 404


async def test_one_key_starts_one_job(api: ApiClient) -> None:
    key, body = new_id(), {"contacts": [{"role": "lead"}]}
    first, second = [await api.post("/contacts/bulk", body, Idempotency_Key=key) for _ in range(2)]
    assert first.body["id"] == second.body["id"]
    assert second.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("contacts", [[], [{"role": "lead"}] * 101, [{"name": "Maya"}], [{"role": "lead", "id": "x"}]])
async def test_a_wrong_list_starts_no_job(api: ApiClient, contacts: list[Any]) -> None:
    assert (await api.post("/contacts/bulk", {"contacts": contacts})).status == 400


async def test_a_preview_and_its_job_agree_on_every_contact(running: Running, api: ApiClient) -> None:
    yes, bare = await new_contact(running, phone=NUMBER), await new_contact(running)
    out = await new_contact(running, phone="+12015550124")
    await running.bot.ledger.record(opt_out(out.id, DEALS))
    ids = [yes.id, out.id, bare.id, "gone"]
    order = {"subscription": DEALS, "answer": "opt_in", "contacts": ids, "evidence": {**PAPER, "how": "spoken"}}
    preview = (await api.post("/contacts/bulk_consents/preview", order)).body
    assert (preview["total"], preview["counts"]["opted_out"], preview["counts"]["unreachable"]) == (4, 1, 1)
    reply = await api.post("/contacts/bulk_consents", order)
    job = await ended(running, reply)
    assert job.counts == preview["counts"]
    path = f"/jobs/{job.id}/results"
    outcomes = {one["item"]: one["outcome"] for one in (await api.get(path)).body["data"]}
    assert (outcomes[out.id], outcomes[bare.id], outcomes["gone"]) == ("opted_out", "unreachable", "gone")
    only = (await api.get(f"{path}?outcome=gone&per_page=1")).body
    assert ([one["item"] for one in only["data"]], only["total_count"]) == (["gone"], 1)
    assert "next" not in only["pages"]


async def test_a_bulk_opt_in_names_the_token_and_its_evidence(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone="+12015550125")
    order = {"subscription": DEALS, "answer": "opt_in", "contacts": [contact.id], "evidence": PAPER}
    await ended(running, await api.post("/contacts/bulk_consents", order))
    (event,) = [e for e in await running.store.events.after(contact.id, 0, limit=10) if e.subscription == DEALS]
    assert (event.actor.kind, event.source, event.grade) == ("api", "bulk", "paper")
    assert event.evidence
    assert event.evidence.note == PAPER["note"]
    out = {"subscription": "texts", "answer": "opt_out", "contacts": [contact.id]}
    assert (await api.post("/contacts/bulk_consents/preview", out)).body["counts"] == {"changed": 1}
    await ended(running, await api.post("/contacts/bulk_consents", {**out, "subscription": DEALS}))
    assert (await api.get(f"/contacts/{contact.id}/subscriptions")).body["data"] == []


async def test_a_bulk_opt_in_needs_evidence_and_somebody(api: ApiClient) -> None:
    order = {"subscription": DEALS, "answer": "opt_in", "contacts": ["a"]}
    assert (await api.post("/contacts/bulk_consents", order)).status == 422
    assert (await api.post("/contacts/bulk_consents", {**order, "evidence": PAPER, "segment": "b"})).status == 400
    assert (await api.post("/contacts/bulk_consents", {**order, "subscription": "texts"})).status == 400
    assert (await api.post("/contacts/bulk_consents", {**order, "subscription": "none"})).status == 404


async def test_a_job_is_found_and_acted_on(running: Running, api: ApiClient) -> None:
    reply = await api.post("/contacts/bulk", {"contacts": [{"role": "lead"}]})
    job = await ended(running, reply)
    shown = (await api.get(f"/jobs/{job.id}")).body
    assert (shown["state"], shown["kind"], shown["counts"]) == ("done", "edit_contacts", {"created": 1})
    assert (await api.post(f"/jobs/{job.id}/actions", {"action": "pause"})).codes == ["job_conflict"]
    assert (await api.get("/jobs/none")).status == (await api.get("/contacts/bulk/none")).status == 404


@pytest.mark.parametrize("id", ["", "nothing"])
async def test_an_unknown_job_is_not_appended_to(api: ApiClient, id: str) -> None:
    job = {"job": {"id": id}}
    replies = [
        await api.post("/contacts/bulk", {**job, "contacts": [{"role": "lead"}]}),
        await api.put("/contacts/bulk", {**job, "contacts": [{"id": "x"}]}),
        await api.post("/contacts/bulk/delete", {**job, "contacts": [{"id": "x"}]}),
    ]
    assert [reply.error[:2] for reply in replies] == [(404, "job_not_found")] * 3


async def test_tasks_are_appended_while_the_job_goes_on(
    running: Running, api: ApiClient, admin: Teammate, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"contacts": [{"role": "lead"}]}
    by, later = By(admin.id, admin.name), now() + timedelta(hours=1)
    batch = ContactBatchInput(
        action=BatchAction.CREATE,
        edits="[]",
        size=1,
        actor=Actor(kind="api", id="test"),
        by=by.id,
        by_name=by.name,
    )
    head = (await running.bot.jobs.start(EditContacts, batch, by, at=later)).id
    key = new_id()
    reply = await api.post("/contacts/bulk", {**body, "job": {"id": head}}, Idempotency_Key=key)
    assert (reply.status, reply.body["id"], reply.body["completed_at"]) == (202, head, None)
    task = reply.body["tasks"][1]["id"]

    async def done() -> Any:
        found = (await api.get(f"/contacts/bulk/{head}")).body
        return found if found["tasks"][1]["state"] == "completed" else None

    job: Any = await eventually(done)
    assert (job["state"], job["completed_at"]) == ("running", None)
    assert [(one["task_id"], one["index"], one["outcome"]) for one in job["results"]] == [(task, 0, "created")]
    assert (await api.get(f"/contacts/bulk/{task}")).status == 404
    assert (await api.post("/contacts/bulk", {**body, "job": {"id": task}})).codes == ["job_not_found"]
    monkeypatch.setattr("widget.api.bulk_contacts.MOST_TASKS", 2)
    full = await api.post("/contacts/bulk", {**body, "job": {"id": head}})
    assert (full.status, full.codes) == (422, ["parameter_invalid"])
    assert (await api.post(f"/jobs/{head}/actions", {"action": "cancel"})).status == 200
    closed = await api.post("/contacts/bulk", {**body, "job": {"id": head}})
    assert closed.error == (403, "forbidden", "All tasks of this job have ended. Start a new job.")
    await running.store.api_requests.collection.delete_many({})  # as if the process had died before it answered
    again = await api.post("/contacts/bulk", {**body, "job": {"id": head}}, Idempotency_Key=key)
    assert (again.status, [one["id"] for one in again.body["tasks"]]) == (202, [head, task])
    job = (await api.get(f"/contacts/bulk/{head}")).body
    assert (job["state"], job["completed_at"] is None) == ("completed_with_errors", False)
