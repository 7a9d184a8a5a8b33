"""The pages of a job: progress, results, buttons. Each kind says which scope may see and control its jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from aiohttp import web

from bot.errors import Conflict
from bot.i18n import translator
from bot.jobs.kind import JobKind
from bot.jobs.rules import JobAction
from bot.model.audit import AuditAction
from bot.model.job import Job
from bot.model.paging import Cursor
from widget.jobs.view import job_view
from widget.web.csrf import session_token
from widget.web.downloads import Download, send_csv
from widget.web.http import BOT, html_page, render
from widget.web.input import cursor_of
from widget.web.layout import with_page_headers
from widget.web.teammate_pages import by, is_htmx, principal, requires, teammate_page, translator_for

PATH = "/settings/jobs/{id:[0-9a-f]{24}}"
ROWS, CHUNK = 100, 1000


async def show(request: web.Request) -> web.StreamResponse:
    """`?outcome=` shows the results of one kind, `?before=` the next page of them."""
    job, kind = await _job(request)
    say, outcome = translator_for(request), request.query.get("outcome", "")
    outcome = outcome if outcome in kind.outcomes else ""
    cursor = cursor_of(request, str)
    page = await request.app[BOT].jobs.items(job.id, cursor, outcome=outcome or None, limit=ROWS)
    view = job_view(job, kind, say)
    tabs = [
        {"path": f"{view.path}?outcome={count.outcome}", "label": count.label, "count": count.number,
         "current": count.outcome == outcome}
        for count in view.counts
    ]  # fmt: skip
    return await teammate_page(
        request,
        "jobs/show.html",
        section="settings",
        title=view.title,
        part=kind.name,
        job=view,
        tabs=[{"path": view.path, "label": say("All"), "current": not outcome}, *tabs],
        item_path=kind.item_path,
        labels={name: say(words) for name, words in kind.outcomes.items()},
        results=page,
        details=[kind.said(item.detail, say) for item in page.items],
        outcome=outcome,
    )


async def progress(request: web.Request) -> web.StreamResponse:
    """Only the bar, while the state is the one that the page shows."""
    job, _kind = await _job(request)
    if request.query.get("state") == job.state:
        return await _fragment(request, "jobs/_bar.html", job)
    response = await _fragment(request, "jobs/_progress.html", job)
    response.headers.update({"HX-Retarget": f"#job-{job.id}", "HX-Reswap": "outerHTML"})
    return response


async def act(request: web.Request) -> web.StreamResponse:
    """A button. If somebody else was faster, the page shows the current state."""
    job, _kind = await _job(request)
    try:
        job = await request.app[BOT].jobs.act(job.id, JobAction(request.match_info["act"]), by(request))
    except Conflict:
        job = await request.app[BOT].jobs.get(job.id)
    if is_htmx(request):
        return await _fragment(request, "jobs/_progress.html", job)
    raise web.HTTPSeeOther(f"/settings/jobs/{job.id}")


async def download(request: web.Request) -> web.StreamResponse:
    """All results as CSV, read page by page."""
    job, kind = await _job(request)
    columns = ("item", "result", "detail", "at")
    recorded = Download(AuditAction.JOB_RESULTS_DOWNLOADED, job.kind, job.id)
    return await send_csv(request, f"{job.kind}-{job.id}.csv", columns, _pages(request, job, kind), recorded)


async def _pages(request: web.Request, job: Job, kind: JobKind[Any, Any]) -> AsyncIterator[Iterable[tuple[str, ...]]]:
    cursor: Cursor | None = None
    say = translator("en")
    while True:
        page = await request.app[BOT].jobs.items(job.id, cursor, limit=CHUNK)
        yield [(r.item, r.outcome, kind.said(r.detail, say), r.at.isoformat()) for r in page.items]
        if (cursor := page.next) is None:
            return


async def _job(request: web.Request) -> tuple[Job, JobKind[Any, Any]]:
    """Raises NotFound and Forbidden."""
    jobs = request.app[BOT].jobs
    job = await jobs.get(request.match_info["id"])
    kind = jobs.kinds[job.kind]
    principal(request).require(kind.scope)
    return job, kind


async def _fragment(request: web.Request, template: str, job: Job) -> web.Response:
    say, kind = translator_for(request), request.app[BOT].jobs.kinds[job.kind]
    csrf = await session_token(request)
    html = await render(request, template, say.locale, job=job_view(job, kind, say), csrf=csrf)
    return with_page_headers(html_page(request, html))


def add_routes(app: web.Application) -> None:
    app.router.add_get(PATH, requires()(show))
    app.router.add_get(f"{PATH}/progress", requires()(progress))
    app.router.add_get(f"{PATH}/results.csv", requires()(download))
    app.router.add_post(f"{PATH}/{{act:pause|resume|cancel|retry}}", requires()(act))
