"""The list's More menu: a form, a preview of what would change, and the job. Each step posts the selection again."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.errors import Conflict, Invalid, NotFound
from bot.jobs.kinds.bulk import BulkJob
from bot.jobs.kinds.export_contacts import ExportContacts
from bot.model.base import new_id
from bot.workspace.access import Scope
from widget.contacts.bulk_acts import ACTS, BulkAct
from widget.contacts.bulk_view import count_words, preview_view
from widget.contacts.selection import FIELDS, read_selection
from widget.jobs.view import job_view
from widget.web.csrf import session_token
from widget.web.forms import FORM, Form, again, fields
from widget.web.http import BOT, html_page, render, wanted_locale
from widget.web.layout import with_page_headers
from widget.web.teammate_pages import by, is_htmx, requires, teammate_page, translator_for

PATH = "/contacts/bulk"
JOBS = f"{PATH}/jobs"
RECENT = 20


async def ask(request: web.Request) -> web.StreamResponse:
    """The form of an action, with what was filled in before. Posted, since a selection can be too long for an address;
    it changes nothing."""
    if typed := await _typed(request):
        request[FORM] = Form(typed)
    return await _form(request)


async def preview(request: web.Request) -> web.StreamResponse:
    act, say = _act(request), translator_for(request)
    try:
        selection = await read_selection(request)
        input = await act.read(request, selection, 0)
        found = await _kind(request, act).preview(input)
    except (Invalid, Conflict) as wrong:
        return await again(request, _form, wrong)
    values = {"act": act, "typed": await _typed(request), "preview": preview_view(act, found, say), "key": new_id()}
    values |= {"selection": selection, "count_words": count_words(found.total, say)}
    return await step_page(request, "contacts/_bulk_preview.html", say(act.title), **values)


async def start(request: web.Request) -> web.StreamResponse:
    act, bot, say = _act(request), request.app[BOT], translator_for(request)
    try:
        selection = await read_selection(request)
        size = (await bot.selected.count(selection)).number
        input = await act.read(request, selection, size)
        key, detail = (
            (await fields(request)).get("key", ""),
            ": ".join(filter(None, (await act.subject(request, input), str(size)))),
        )
        job = await bot.jobs.start(act.kind, input, by(request), key=key, detail=detail)
    except (Invalid, Conflict) as wrong:
        return await again(request, _form, wrong)
    if not is_htmx(request):
        raise web.HTTPSeeOther(f"/settings/jobs/{job.id}")
    view = job_view(job, bot.jobs.kinds[job.kind], say)
    return await step_page(request, "contacts/_bulk_started.html", say(act.title), job=view)


async def recent(request: web.Request) -> web.StreamResponse:
    """The newest bulk jobs and exports; running ones show their progress."""
    jobs, say = request.app[BOT].jobs, translator_for(request)
    newest = await jobs.newest(limit=RECENT * 5)
    found = [job for job in newest if isinstance(jobs.kinds[job.kind], BulkJob | ExportContacts)][:RECENT]
    views = [job_view(job, jobs.kinds[job.kind], say) for job in found]
    return await teammate_page(request, "contacts/jobs.html", section="contacts", title=say("Bulk jobs"), jobs=views)


async def _form(request: web.Request) -> web.StreamResponse:
    act, say = _act(request), translator_for(request)
    try:
        selection = await read_selection(request)
        count = await request.app[BOT].selected.count(selection)
    except Invalid as wrong:
        request[FORM] = Form({}, {"": say(wrong.text, **wrong.values)}, 422)
        return await step_page(request, "contacts/_bulk_fault.html", say(act.title))
    values = {"act": act, "count_words": count_words(count, say), "selection": selection, **await act.values(request)}
    return await step_page(request, "contacts/_bulk_form.html", say(act.title), **values)


def _act(request: web.Request) -> BulkAct[Any]:
    """Raises NotFound."""
    act = ACTS.get(request.match_info["act"])
    if act is None:
        raise NotFound
    return act


def _kind(request: web.Request, act: BulkAct[Any]) -> BulkJob[Any]:
    kind = request.app[BOT].jobs.kinds[act.kind.name]
    assert isinstance(kind, BulkJob)  # noqa: S101 (for mypy)
    return kind


async def _typed(request: web.Request) -> dict[str, str]:
    """The fields of the action itself."""
    return {name: value for name, value in (await fields(request)).items() if name not in {*FIELDS, "key"}}


async def step_page(request: web.Request, template: str, title: str, **values: Any) -> web.StreamResponse:
    """In the list's dialog; without JavaScript a page of its own."""
    form, locale = request.get(FORM, Form()), wanted_locale(request)
    if not is_htmx(request):
        return await teammate_page(
            request, "contacts/bulk.html", section="contacts", title=title, step=template, **values
        )
    values |= {"form": form, "csrf": await session_token(request), "title": title}
    text = await render(request, template, locale, **values)
    return with_page_headers(html_page(request, text, status=form.status))


def add_routes(app: web.Application) -> None:
    bulk = requires(Scope.BULK_CONTACTS)
    app.router.add_get(JOBS, bulk(recent))
    app.router.add_post(f"{PATH}/{{act:[a-z-]+}}", bulk(ask))
    app.router.add_post(f"{PATH}/{{act:[a-z-]+}}/preview", bulk(preview))
    app.router.add_post(f"{PATH}/{{act:[a-z-]+}}/start", bulk(start))
