"""The list's More menu: forms, previews, jobs, exports, and who may use them."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest

from bot.contacts import selected
from bot.demo import DEALS
from bot.jobs.kinds.bulk_tags import AddTag, BulkTagInput
from bot.jobs.kinds.export_contacts import ExportContacts
from bot.jobs.kinds.verify import Verify
from bot.jobs.rules import JobAction
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.event import ConsentState
from bot.model.filter import Filter
from bot.model.job import Job, JobState
from bot.model.selection import Selection
from bot.model.teammate import TeammateRole
from bot.workspace.access import Scope
from bot.workspace.audit import COMMAND_LINE, AuditFilter
from tests.conftest import eventually
from tests.people import change, person
from tests.widget.admins import new_teammate
from tests.widget.desk import HTML, Desk
from tests.widget.help import Node, Running
from widget.contacts import exports

BULK = "/contacts/bulk"
HTMX = {"HX-Request": "true"}
PAPER = {"subscription": DEALS, "how": "paper", "given_at": "2026-11-01T09:30", "note": "Fair, box 3"}


@pytest.fixture
async def pair(running: Running) -> tuple[Contact, Contact]:
    """Two whom no other test knows: their names share a word."""
    word = f"z{new_id()}"
    made = [person(new_id(), name=f"{name} {word}", phone=f"+1201555{i:04d}") for i, name in ((41, "Ann"), (42, "=Bo"))]
    await running.store.contacts.insert_many(made)
    return made[0], made[1]


def both(pair: tuple[Contact, Contact]) -> dict[str, str]:
    """The selection of both, as the list posts it."""
    return {"everyone": "1", "filter": Filter(query=(pair[0].name or "").split()[1]).as_text()}


def outcomes(page: Node) -> list[str]:
    return [" ".join(item.text.split()) for item in page.all("p", class_="bulk-outcome")]


async def job_at(running: Running, path: str) -> Job:
    async def is_done() -> Job | None:
        job = await running.bot.jobs.get(path.rpartition("/")[2])
        return job if job.state in {JobState.DONE, JobState.FAILED} else None

    found: Job = await eventually(is_done)
    assert found.state is JobState.DONE, found.error
    return found


async def started(running: Running, desk: Desk, act: str, form: dict[str, str]) -> Job:
    """Previewed, and started with what the preview posts."""
    status, page = await desk.post(f"{BULK}/{act}/preview", form)
    assert status == 200, page.text
    hidden = {i.attrs["name"]: i.attrs["value"] for i in page.one("form", class_="bulk").all("input")}
    for _press in range(2):
        status, _page = await desk.post(f"{BULK}/{act}/start", hidden)
        assert status == 303
    return await job_at(running, desk.location)


async def test_subscribing_is_previewed_and_becomes_one_job(
    running: Running, ada: Desk, pair: tuple[Contact, Contact]
) -> None:
    await running.bot.ledger.record(change(pair[1].id, "in", number=pair[1].phone))
    status, page = await ada.post(f"{BULK}/subscribe", both(pair))
    assert (status, "Selected: 2" in page.text) == (200, True)
    assert "47 CFR 64.1200(f)(9)" in page.text, "what the law asks for"
    status, page = await ada.post(f"{BULK}/subscribe/preview", {**both(pair), **PAPER})
    assert (status, outcomes(page)) == (200, ["1 Will be subscribed", "1 Already subscribed"])
    assert {a.text.split()[0] for a in page.all("a") if a.attrs["href"].startswith("/contacts/")} == {"Ann", "=Bo"}

    job = await started(running, ada, "subscribe", {**both(pair), **PAPER})
    assert (job.counts, job.total) == ({"changed": 1, "already": 1}, 2)
    contact = await running.store.contacts.get(pair[0].id)
    assert contact
    consent = contact.consent(DEALS)
    assert consent
    assert (consent.state, consent.grade) == (ConsentState.OPTED_IN, "paper")
    page = await ada.look(f"/settings/jobs/{job.id}")
    assert f"/contacts/{pair[0].id}" in {a.attrs["href"] for a in page.one("tbody").all("a")}
    assert f"job-{job.id}" in {section.attrs["id"] for section in (await ada.look(f"{BULK}/jobs")).all("section")}


async def test_a_form_that_lacks_something_says_what(
    running: Running, ada: Desk, pair: tuple[Contact, Contact]
) -> None:
    status, page = await ada.post(f"{BULK}/subscribe/preview", {**both(pair), "subscription": "", "how": ""})
    assert (status, "Subscription is required." in page.text) == (422, True)
    status, page = await ada.post(f"{BULK}/subscribe/preview", {**both(pair), "subscription": DEALS, "how": ""})
    assert (status, "Choose how they consented." in page.text) == (422, True)
    later = f"{now() + timedelta(days=2):%Y-%m-%dT%H:%M}"
    status, page = await ada.post(f"{BULK}/subscribe/preview", {**both(pair), **PAPER, "given_at": later})
    assert (status, "Enter a time that isn't in the future." in page.text) == (422, True)
    status, page = await ada.post(f"{BULK}/subscribe/preview", {**both(pair), **PAPER, "subscription": new_id()})
    assert (status, "Choose a live subscription." in page.text) == (422, True)
    for selection in ({}, {"everyone": "1", "filter": "{"}):
        status, page = await ada.post(f"{BULK}/subscribe", selection)
        assert status == 422
    assert (await ada.post(f"{BULK}/nonsense", both(pair)))[0] == 404
    assert (await running.store.contacts.heads([c.id for c in pair])) == {c.id: 0 for c in pair}


async def test_back_keeps_what_was_filled_in_and_weak_evidence_offers_no_start(
    ada: Desk, pair: tuple[Contact, Contact]
) -> None:
    spoken = {**both(pair), **PAPER, "how": "spoken"}
    status, page = await ada.post(f"{BULK}/subscribe/preview", spoken)
    assert (status, outcomes(page)) == (200, ["2 Evidence too weak"])
    assert "Nothing would change." in page.text
    assert [b.text.strip() for b in page.one("form", class_="bulk").all("button")] == ["Back"]
    status, page = await ada.post(f"{BULK}/subscribe", spoken, **HTMX)
    assert (status, page.all("html")) == (200, []), "a fragment for the dialog"
    assert page.one("input", name="given_at").attrs["value"] == PAPER["given_at"]


async def test_a_sample_in_which_nobody_changes_can_still_be_started(
    ada: Desk, pair: tuple[Contact, Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selected, "PREVIEWED", 1)
    _status, page = await ada.post(f"{BULK}/subscribe/preview", {**both(pair), **PAPER, "how": "spoken"})
    assert "No contacts in the sample would change." in page.text
    assert "Nothing would change." not in page.text
    assert page.one("form", class_="bulk").all("button")[0].text.strip() != "Back"


async def test_unsubscribing_and_tags(running: Running, ada: Desk, pair: tuple[Contact, Contact]) -> None:
    await running.bot.ledger.record(change(pair[0].id, "in", number=pair[0].phone))
    job = await started(running, ada, "unsubscribe", {**both(pair), "subscription": DEALS})
    assert job.counts == {"changed": 1, "already": 1}
    await running.bot.ledger.record(change(pair[0].id, "again", number=pair[0].phone))
    job = await started(running, ada, "unsubscribe", {"id": pair[0].id, "subscription": "texts"})
    assert (job.counts, job.input["consent"]["subscription"]) == ({"changed": 1}, "texts")
    stored = await running.bot.ledger.contact(pair[0].id)
    assert stored
    texts = await running.store.subscriptions.texts()
    assert len(texts) > 1
    assert {stored.consent(text.id).state for text in texts} == {ConsentState.OPTED_OUT}  # type: ignore[union-attr]
    assert not await running.bot.stops.is_stopped(pair[0].phone or "")
    tag = await running.bot.tags.create(f"T{new_id()}", COMMAND_LINE)
    for act, tags in (("add-tag", (tag.id,)), ("remove-tag", ())):
        job = await started(running, ada, act, {"id": pair[0].id, "tag": tag.id})
        assert job.counts == {"changed": 1}
        stored = await running.store.contacts.get(pair[0].id)
        assert stored
        assert stored.tags == tags
    assert (await ada.post(f"{BULK}/add-tag/preview", {**both(pair), "tag": new_id()}))[0] == 422


async def test_erasing_asks_twice(running: Running, ada: Desk, pair: tuple[Contact, Contact]) -> None:
    status, page = await ada.post(f"{BULK}/erase/preview", both(pair))
    assert (status, "Confirm that you want to erase them." in page.text) == (422, True)
    job = await started(running, ada, "erase", {"id": pair[0].id, "sure": "on"})
    assert job.counts == {"changed": 1}
    found = await running.store.contacts.get_many(c.id for c in pair)
    assert [found[c.id].is_gone for c in pair] == [True, False]


async def exported(desk: Desk, path: str, form: dict[str, str]) -> tuple[str, str]:
    """The content type, and the file."""
    data = {"csrf": desk.token or await desk.csrf(), **form}
    async with desk.session.post(desk.base + path, data=data, headers=HTML) as answer:
        assert answer.status == 200
        return answer.content_type, await answer.text()


async def test_an_export_has_the_consents_and_no_formula(
    running: Running, ada: Desk, pair: tuple[Contact, Contact]
) -> None:
    recorded = await running.bot.ledger.record(change(pair[0].id, "in", number=pair[0].phone))
    type, text = await exported(ada, "/contacts/exports.csv", both(pair))
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(text))}
    assert (type, set(rows)) == ("text/csv", {c.id for c in pair})
    one, other = (rows[c.id] for c in pair)
    subscription = await running.store.subscriptions.get(DEALS)
    assert subscription
    name = subscription.name
    found = {what: one[f"{name}: {what}"] for what in ("state", "source", "event")}
    assert found == {"state": "opted_in", "source": "form", "event": recorded.event.event}
    assert other[f"{name}: state"] == "none"
    assert (other["name"] or "").startswith("'=Bo")
    assert one["phone"] == f"'{pair[0].phone}", "a spreadsheet would add it up"

    type, text = await exported(ada, "/contacts/exports.ndjson", {"id": pair[0].id})
    (line,) = text.splitlines()
    read = json.loads(line)
    assert (type, read["phone"]) == ("application/x-ndjson", pair[0].phone)
    assert [(s["state"], s["event"]) for s in read["subscriptions"]] == [("opted_in", recorded.event.event)]
    log = await running.bot.audit.page(AuditFilter(action=AuditAction.CONTACTS_EXPORTED))
    assert log.items[0].detail == "1 ndjson"


async def test_a_large_export_is_a_job_with_a_file(
    running: Running, ada: Desk, ben: Desk, pair: tuple[Contact, Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "DIRECT", 1)
    monkeypatch.setattr(ExportContacts, "most", 1)
    status, page = await ada.post(f"{BULK}/export", both(pair))
    assert (status, "download it for 7 days" in page.text) == (200, True)
    assert (await ada.post("/contacts/exports.csv", both(pair)))[0] == 303
    job = await job_at(running, ada.location)
    page = await ada.look(f"/settings/jobs/{job.id}")
    assert f"job-{job.id}" in {section.attrs["id"] for section in (await ada.look(f"{BULK}/jobs")).all("section")}
    path = f"/contacts/exports/{job.id}.csv"
    assert path in {a.attrs["href"] for a in page.all("a")}
    async with ada.session.get(ada.base + path) as answer:
        rows = [*csv.DictReader(io.StringIO(await answer.text()))]
    assert (answer.status, {row["id"] for row in rows}, len(rows)) == (200, {c.id for c in pair}, 2)
    assert (await ben.get(path))[0] == 403
    for other in (f"/contacts/exports/{job.id}.ndjson", f"/contacts/exports/{new_id()}.csv"):
        assert (await ada.get(other))[0] == 404


async def test_its_buttons_are_for_those_who_may_change_many(
    running: Running, ada: Desk, pair: tuple[Contact, Contact]
) -> None:
    input = BulkTagInput(selection=Selection(ids=(pair[0].id,)), size=1, ordered_at=now(), tag="none")
    job = await running.bot.jobs.start(AddTag, input, COMMAND_LINE, at=now() + timedelta(hours=1))
    async with new_teammate(running, TeammateRole.AGENT) as eve:
        for act in ("pause", "resume", "cancel"):
            assert (await eve.desk.post(f"/settings/jobs/{job.id}/{act}", {}))[0] == 403
        assert (await running.bot.jobs.get(job.id)).state is JobState.QUEUED
        await ada.post(f"/settings/teammates/{eve.teammate.id}/permissions", {"bulk_contacts": "on"})
        await eve.desk.post(f"/settings/jobs/{job.id}/pause", {})
        shown = await eve.desk.look(f"{BULK}/jobs")
        buttons = {button.text.strip() for button in shown.one("section", id=f"job-{job.id}").all("button")}
        assert {"Resume", "Cancel"} <= buttons
        await eve.desk.post(f"/settings/jobs/{job.id}/cancel", {})
        assert (await running.bot.jobs.get(job.id)).state is JobState.CANCELED
        log = await running.bot.audit.page(AuditFilter(actor=eve.teammate.id))
        assert {AuditAction.JOB_PAUSED, AuditAction.JOB_CANCELED} <= {entry.action for entry in log.items}


async def test_an_agent_needs_the_permission_that_an_admin_grants(
    running: Running, ada: Desk, pair: tuple[Contact, Contact]
) -> None:
    async with new_teammate(running, TeammateRole.AGENT) as eve:
        selection = {"id": pair[0].id}
        assert (await eve.desk.post(f"{BULK}/subscribe", selection))[0] == 403
        here = f"/settings/teammates/{eve.teammate.id}/permissions"
        assert (await ada.post(here, {"bulk_contacts": "on"}))[0] == 303
        assert (await eve.desk.post(f"{BULK}/subscribe", selection))[0] == 200
        job = await started(running, eve.desk, "subscribe", {**selection, **PAPER})
        await eve.desk.look(f"/settings/jobs/{job.id}")
        verify = await running.bot.jobs.start(Verify, Verify.input(), COMMAND_LINE, at=now() + timedelta(hours=1))
        assert (await eve.desk.get(f"/settings/jobs/{verify.id}"))[0] == 403
        await running.bot.jobs.act(verify.id, JobAction.CANCEL, COMMAND_LINE)
        log = await running.bot.audit.page(AuditFilter(actor=eve.teammate.id, action=AuditAction.JOB_STARTED))
        assert [(entry.subject, entry.detail.endswith(": 1")) for entry in log.items] == [("Subscribe users", True)]
        assert (await ada.post(here, {}))[0] == 303
        assert (await eve.desk.post(f"{BULK}/subscribe", selection))[0] == 403
        saved = await running.bot.teammates.get(eve.teammate.id)
        assert saved
        assert Scope.BULK_CONTACTS not in saved.extra_scopes
