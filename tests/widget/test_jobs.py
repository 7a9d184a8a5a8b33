"""Jobs in pages: the ledger check, its progress, its results, and who may see and control it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.jobs.kinds.verify import Verify, VerifyInput
from bot.jobs.rules import ENDED, JobAction, acts_on
from bot.model.base import new_id, now
from bot.model.contact import ConsentState
from bot.model.job import Job, JobItem, JobState
from bot.model.teammate import By
from tests.conftest import eventually
from tests.people import consent, person
from tests.widget.desk import Desk
from tests.widget.help import Node, Running

LEDGER = "/settings/ledger"
HTMX = {"HX-Request": "true"}

ADA = By("ada", "Ada")


@pytest.fixture(autouse=True)
async def _nothing_under_way(running: Running) -> AsyncIterator[None]:
    """One check at a time: a test's own is ended before the next one starts another."""
    yield
    for job in await running.bot.jobs.newest():
        if JobAction.CANCEL in acts_on(job.state):
            await running.bot.jobs.act(job.id, JobAction.CANCEL, ADA)


async def waiting(running: Running) -> Job:
    """A check that no worker takes up within the hour."""
    at = now() + timedelta(hours=1)
    return await running.bot.jobs.start(Verify, VerifyInput(), ADA, at=at)


async def check(running: Running, ada: Desk, **fields: str) -> Job:
    """Started by the button, and ended."""
    before = {job.id for job in await running.bot.jobs.newest()}
    page = await ada.look(LEDGER)
    key = page.one("input", name="key").attrs["value"]
    status, _ = await ada.post(LEDGER, {"key": key, **fields})
    assert (status, ada.location) == (303, LEDGER)

    async def has_ended() -> Job | None:
        newest = (await running.bot.jobs.newest())[0]
        return newest if newest.id not in before and newest.state in ENDED else None

    found: Job = await eventually(has_ended)
    return found


def first_row(page: Node) -> str:
    return " ".join(page.one("tbody").all("tr")[0].text.split())


async def test_a_check_of_the_ledger_is_kept_with_who_started_it_and_what_it_found(running: Running, ada: Desk) -> None:
    forged = person(new_id(), consents=(consent(ConsentState.OPTED_IN),))
    await running.store.contacts.insert(forged)
    job = await check(running, ada)
    assert job.state is JobState.DONE
    found = (await running.bot.jobs.items(job.id, outcome="stale", limit=1000)).items
    assert forged.id in {item.item for item in found}
    row = first_row(await ada.look(LEDGER))
    assert job.by_name.startswith("Ada")
    assert job.by_name in row
    assert "problem" in row
    page = await ada.look(f"/settings/jobs/{job.id}?outcome=stale")
    assert forged.id in page.one("tbody").text
    assert "Differs from the ledger" in page.one("tbody").text

    repaired = await check(running, ada, repair="on")
    assert repaired.counts["repaired"] >= 1
    assert "stale" not in (await check(running, ada)).counts


async def test_pressing_the_button_twice_starts_one_check(running: Running, ada: Desk) -> None:
    job = await waiting(running)
    for _ in range(2):
        status, _page = await ada.post(LEDGER, {"key": new_id()})
        assert status == 303
    page = await ada.look(LEDGER)
    assert page.one("section", class_="job").attrs["id"] == f"job-{job.id}"
    assert page.all("input", name="key") == [], "no second one is offered"


async def test_the_bar_asks_again_until_the_job_has_ended(running: Running, ada: Desk) -> None:
    job = await waiting(running)
    page = await ada.look(f"/settings/jobs/{job.id}")
    bar = page.one("div", class_="job-bar")
    assert bar.attrs["hx-get"] == f"/settings/jobs/{job.id}/progress?state=queued"
    same = await ada.look(bar.attrs["hx-get"])
    assert same.all("section") == []
    assert same.one("div", class_="job-bar").attrs["hx-trigger"] == bar.attrs["hx-trigger"]

    await running.bot.jobs.act(job.id, JobAction.CANCEL, ADA)
    async with ada.session.get(running.base + bar.attrs["hx-get"], headers=HTMX) as answer:
        assert answer.headers["HX-Retarget"] == f"#job-{job.id}"
        html = await answer.text()
    assert "Canceled" in html
    assert "hx-get" not in html


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
async def test_buttons_pause_resume_and_cancel(running: Running, ada: Desk, headers: dict[str, str]) -> None:
    job = await waiting(running)
    for act, state in (("pause", "paused"), ("resume", "queued"), ("pause", "paused"), ("cancel", "canceled")):
        if act == "resume":  # it would be due at once
            await running.store.jobs.update({"_id": job.id}, {"$set": {"holder": "another", "due": far()}})
        status, page = await ada.post(f"/settings/jobs/{job.id}/{act}", {}, **headers)
        assert (await running.bot.jobs.get(job.id)).state == state
        if headers:
            assert (status, page.one("section").attrs["id"]) == (200, f"job-{job.id}")
        else:
            assert (status, ada.location) == (303, f"/settings/jobs/{job.id}")


def far() -> object:
    return now() + timedelta(hours=1)


async def test_a_button_that_came_too_late_shows_what_is_true(running: Running, ada: Desk) -> None:
    job = await waiting(running)
    await running.bot.jobs.act(job.id, JobAction.CANCEL, ADA)
    status, page = await ada.post(f"/settings/jobs/{job.id}/pause", {}, **HTMX)
    assert (status, page.one("span", class_="badge").text) == (200, "Canceled")


async def test_a_failed_job_shows_its_error_and_can_be_retried(running: Running, ada: Desk) -> None:
    job = await waiting(running)
    error = {"text": "Unexpected error: %(name)s. The log has the details.", "values": {"name": "KeyError"}}
    change = {"$set": {"state": "failed", "error": error}, "$unset": {"only": ""}}
    await running.store.jobs.update({"_id": job.id}, change)
    page = await ada.look(f"/settings/jobs/{job.id}")
    assert "Unexpected error: KeyError." in page.one("div", class_="banner--bad").text
    await ada.post(f"/settings/jobs/{job.id}/retry", {})
    retried = await running.bot.jobs.get(job.id)
    assert (retried.state in ENDED, retried.error) == (retried.state is JobState.DONE, None)


async def test_results_are_paged_and_can_be_downloaded(running: Running, ada: Desk) -> None:
    job = await waiting(running)
    at = now()
    items = [
        JobItem(id=f"{job.id}:{i:04d}", job=job.id, item=f"{i:04d}", outcome="miscounted", detail="+1", at=at)
        for i in range(1500)
    ]
    await running.store.job_items.add(items)
    page = await ada.look(f"/settings/jobs/{job.id}")
    assert len(page.one("tbody").all("tr")) == 100
    (after,) = [a.attrs["href"] for a in page.all("a") if "before=" in a.attrs.get("href", "")]
    assert "0100" in (await ada.look(after)).one("tbody").all("tr")[0].text
    async with ada.session.get(f"{running.base}/settings/jobs/{job.id}/results.csv") as answer:
        lines = (await answer.text()).splitlines()
        assert answer.headers["Content-Disposition"] == f'attachment; filename="verify-{job.id}.csv"'
    assert len(lines) == 1501
    assert lines[0] == "item,result,detail,at"
    assert lines[1].startswith("0000,miscounted,'+1,"), "a cell is never a formula"


@pytest.mark.parametrize("path", ["", "/progress", "/results.csv"])
async def test_an_agent_sees_no_check(running: Running, ben: Desk, path: str) -> None:
    job = await waiting(running)
    status, page = await ben.get(f"/settings/jobs/{job.id}{path}")
    assert (status, "Only admins can do this" in page.text) == (403, True)


async def test_an_agent_controls_no_check(running: Running, ben: Desk) -> None:
    job = await waiting(running)
    for act in JobAction:
        assert (await ben.post(f"/settings/jobs/{job.id}/{act}", {}))[0] == 403
    assert (await running.bot.jobs.get(job.id)).state is JobState.QUEUED


async def test_a_job_that_does_not_exist_is_not_found(ada: Desk) -> None:
    assert (await ada.get(f"/settings/jobs/{new_id()}"))[0] == 404
    assert (await ada.post(f"/settings/jobs/{new_id()}/pause", {}))[0] == 404
