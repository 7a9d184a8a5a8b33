"""Bulk jobs: their progress, and the result of each item."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.errors import NotFound
from bot.i18n import translator
from bot.jobs.rules import JobAction
from bot.model.job import Job, JobState
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix, unix_or_none
from bot.workspace.access import Scope
from widget.api.faults import CONFLICT, NO_RESOURCE, ApiFault, ApiRefusal
from widget.api.models import ApiBody
from widget.api.paging import NO_CURSOR, PagePlace, PageQuery, PagesAnswer
from widget.api.route import PREFIX, Call, Resource

PATH = "/jobs/{job_id}"
JOB_CONFLICT = ApiFault(409, "job_conflict", "This job can't be paused now.")
TOO_MANY_JOBS = ApiFault(429, "job_limit_reached", "Too many queued jobs. Try again when some have finished.")

jobs = Resource("Jobs", "Bulk work that runs in the background, with a result for each item.", is_compatible=False)


class JobAnswer(ApiAnswer):
    type: Literal["job"] = "job"
    id: Id
    kind: str = Field(examples=["subscribe"])
    state: JobState = Field(examples=["running"])
    total: int | None = Field(examples=[1200], description="An estimate; null: not known yet.")
    done: int = Field(examples=[450])
    counts: dict[str, int] = Field(examples=[{"changed": 430, "opted_out": 20}], description="Results by outcome.")
    error: str | None = Field(examples=[None], description="Why the last attempt failed.")
    created_at: UnixTime
    updated_at: UnixTime
    completed_at: UnixTime | None
    url: str = Field(examples=["/api/jobs/6762f0cd1bb69f9f2193bb7c"])


class JobResult(ApiAnswer):
    type: Literal["job_result"] = "job_result"
    item: str = Field(examples=["6762f0cd1bb69f9f2193bb7c"], description="The contact, or the item's position.")
    outcome: str = Field(examples=["changed"])
    detail: str = Field(examples=[""])


class JobResults(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[JobResult]
    total_count: int = Field(examples=[450])
    pages: PagesAnswer


class ResultsQuery(PageQuery):
    outcome: str | None = Field(None, max_length=40, description="Only results with this outcome.")


class JobActionBody(ApiBody):
    action: JobAction = Field(strict=False, examples=["pause"])


@jobs.get(PATH, scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE,))
async def show_job(call: Call) -> JobAnswer:
    """Find a job."""
    return job_answer(await found_job(call))


@jobs.post(f"{PATH}/actions", scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE, JOB_CONFLICT, CONFLICT))
async def act_on_job(call: Call, body: JobActionBody) -> JobAnswer:
    """Pause, resume, cancel or retry a job.

    Finished items stay finished.
    """
    return job_answer(await call.bot.jobs.act((await found_job(call)).id, body.action, call.by))


@jobs.get(f"{PATH}/results", scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE, NO_CURSOR))
async def list_job_results(call: Call, query: ResultsQuery) -> JobResults:
    """List a job's results.

    In the order of the items, kept for 90 days.
    """
    job, place = await found_job(call), PagePlace(query)
    page = await call.bot.jobs.items(job.id, place.cursor(str), outcome=query.outcome, limit=place.per_page)
    total = job.counts.get(query.outcome, 0) if query.outcome else sum(job.counts.values())
    data = [JobResult(item=item.item, outcome=item.outcome, detail=item.detail) for item in page.items]
    return JobResults(data=data, total_count=total, pages=place.pages(page.next, total))


def job_answer(job: Job) -> JobAnswer:
    error = translator("en")(job.error.text, **job.error.values) if job.error else None
    return JobAnswer(
        id=job.id,
        kind=job.kind,
        state=job.state,
        total=job.total,
        done=job.done,
        counts=job.counts,
        error=error,
        created_at=unix(job.created_at),
        updated_at=unix(job.updated_at),
        completed_at=unix_or_none(job.ended_at),
        url=f"{PREFIX}/jobs/{job.id}",
    )


async def found_job(call: Call, id: str | None = None) -> Job:
    """`id`: the path's, unless it is given. Raises ApiRefusal (404), also for jobs that aren't about contacts."""
    try:
        job = await call.bot.jobs.get(call.variable("job_id") if id is None else id)
    except NotFound:
        raise ApiRefusal(NO_RESOURCE) from None
    if call.bot.jobs.kinds[job.kind].scope is not Scope.BULK_CONTACTS:
        raise ApiRefusal(NO_RESOURCE)
    return job
