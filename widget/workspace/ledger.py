"""Settings > Ledger: checks the whole ledger as a job, and keeps the results."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.jobs.kinds.verify import Verify, VerifyInput
from bot.jobs.rules import ENDED
from bot.model.base import new_id
from bot.model.job import Job, JobState
from widget.jobs.view import job_view
from widget.web.http import BOT
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    by,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translator_for,
)

PATH = "/settings/ledger"


class Start(FormInput):
    repair: bool = False
    key: Annotated[str, Field(pattern="^[0-9a-f]{24}$")]


async def show(request: web.Request) -> web.StreamResponse:
    jobs, say = request.app[BOT].jobs, translator_for(request)
    found = await jobs.newest(Verify)
    kind = jobs.kinds[Verify.name]
    under_way = next((job_view(job, kind, say) for job in found if job.state not in ENDED), None)
    return await teammate_page(
        request,
        "workspace/ledger.html",
        section="settings",
        title=say("Ledger"),
        part="verify",
        key=new_id(),
        job=under_way,
        checks=[(job_view(job, kind, say), _result(job)) for job in found if job.state in ENDED],
    )


def _result(job: Job) -> int | None:
    """The number of problems found; None: it did not finish."""
    return sum(job.counts.values()) if job.state is JobState.DONE else None


@redrawn_by(show)
async def start(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, Start)
    await request.app[BOT].jobs.start(Verify, VerifyInput(repair=wanted.repair), by(request), key=wanted.key)
    raise web.HTTPSeeOther(PATH)


def add_routes(app: web.Application) -> None:
    app.router.add_get(PATH, requires(Scope.MANAGE_WORKSPACE)(show))
    app.router.add_post(PATH, requires(Scope.MANAGE_WORKSPACE)(start))
