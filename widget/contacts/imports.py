"""Importing contacts: upload, what the columns contain, the check, the import, the rows to fix, the undo."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from bot.contacts.imports.columns import PRESETS
from bot.contacts.imports.files import MOST_BYTES
from bot.contacts.imports.reading import ENCODINGS
from bot.contacts.imports.rows import said_faults
from bot.errors import Conflict
from bot.errors import marked as _
from bot.i18n import Translator
from bot.jobs.rules import ENDED
from bot.model.audit import AuditAction
from bot.model.contact_import import TEXTS, ContactImport, DateOrder, Existing, ImportPlan
from bot.model.job import Job, JobState
from widget.inbox.evidence import WAYS, EvidenceForm
from widget.jobs.view import STATES, job_view
from widget.web.downloads import Download, send_csv
from widget.web.forms import FORM, Form, fields, read_input, redrawn_by
from widget.web.http import BOT
from widget.web.teammate_pages import Scope, by, requires, teammate_page, translator_for
from widget.web.times import clock, time_zone
from widget.web.uploads import spooled, taking_large_file

PATH = "/contacts/imports"
ONE = f"{PATH}/{{id:[0-9a-f]{{24}}}}"
SHOWN_ROWS, SHOWN_PROBLEMS = 3, 50
EXISTING = {
    Existing.UPDATE: _("Update with the file's values"),
    Existing.FILL: _("Fill in empty fields only"),
    Existing.SKIP: _("Leave unchanged, import consent only"),
}
DRAFT, IMPORTED, UNDONE = (_("Draft"), "plain"), (_("Imported"), "good"), (_("Undone"), "warn")
ORDERS = {DateOrder.MONTH_FIRST: _("Month first: 03/31/2025"), DateOrder.DAY_FIRST: _("Day first: 31/03/2025")}


class PlanForm(EvidenceForm):
    """`column-0`, `column-1` … are read beside it."""

    region: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    existing: Existing
    creates: bool = False
    date_order: DateOrder
    everyone_in: Annotated[str, Field(max_length=40)] = ""
    everyone_out: Annotated[str, Field(max_length=40)] = ""
    asks: bool = False
    confirmation: bool = False
    flows: bool = False


def encoding_name(codec: str) -> str:
    """As spreadsheets and editors call it."""
    return {"mac_roman": "Mac Roman", "koi8_r": "KOI8-R"}.get(codec, codec.upper().replace("CP", "Windows-"))


async def show_all(request: web.Request) -> web.StreamResponse:
    say = translator_for(request)
    encodings = [("", say("Detect automatically")), *((name, encoding_name(name)) for name in ENCODINGS)]
    imports = await request.app[BOT].imports.files.newest()
    return await teammate_page(
        request,
        "contacts/imports.html",
        section="contacts",
        title=say("Import contacts"),
        imports=imports,
        badges=await _badges(request, imports),
        encodings=encodings,
        most=MOST_BYTES // 1024 // 1024,
    )


async def _badges(request: web.Request, imports: Sequence[ContactImport]) -> dict[str, tuple[str, str]]:
    """By import: the words and the kind of the badge for what happened to it last."""
    say = translator_for(request)
    last = {file.id: id for file in imports if (id := file.undo or file.job)}
    jobs = await request.app[BOT].store.jobs.get_many(last.values())
    badges = {file.id: _badge(file, jobs.get(last.get(file.id, ""))) for file in imports}
    return {id: (say(label), kind) for id, (label, kind) in badges.items()}


def _badge(file: ContactImport, job: Job | None) -> tuple[str, str]:
    if job and job.state is not JobState.DONE:
        return STATES[job.state]
    return UNDONE if file.undo else IMPORTED if file.job else DRAFT


@redrawn_by(show_all)
async def upload(request: web.Request) -> web.StreamResponse:
    encoding = (await fields(request)).get("encoding", "")
    with tempfile.TemporaryFile() as file:
        name, size = await spooled(request, file, MOST_BYTES)
        wanted = encoding if encoding in ENCODINGS else ""
        found = await request.app[BOT].imports.upload(file, name, size, by(request), encoding=wanted)
    raise web.HTTPSeeOther(f"{PATH}/{found.id}")


async def show(request: web.Request) -> web.StreamResponse:
    """The step that the file is at."""
    file = await _file(request)
    if file.job:
        return await _imported(request, file)
    return await _mapping(request, file)


async def _mapping(request: web.Request, file: ContactImport) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    plan = file.plan or await bot.imports.files.guess(file)
    form = request.get(FORM, Form())
    live, workspace = await bot.store.subscriptions.live(), await bot.workspace()
    check = await bot.jobs.get(file.check) if file.check and form.typed is None else None
    subscriptions = [("", say("Nobody")), *((subscription.id, subscription.name) for subscription in live)]
    return await teammate_page(
        request,
        "contacts/import.html",
        section="contacts",
        title=say("Import contacts"),
        file=file,
        plan=plan,
        preset=PRESETS[file.preset].name if file.preset else "",
        encoding=encoding_name(file.encoding),
        columns=await _columns(request, file, plan),
        targets=await _targets(request, {subscription.id: subscription.name for subscription in live}),
        regions=[(code, say.country(code)) for code in workspace.texted],
        existing=[(value, say(words)) for value, words in EXISTING.items()],
        orders=[(value, say(words)) for value, words in ORDERS.items()],
        subscriptions=subscriptions,
        outs=[*subscriptions, (TEXTS, say("All texts"))],
        ways=[{"value": how, "label": say(label), "text": say(text)} for how, (label, text) in WAYS.items()],
        given_at=f"{plan.given_at.astimezone(clock.get().zone):%Y-%m-%dT%H:%M}" if plan.given_at else "",
        zone=time_zone() or "UTC",
        **(await _job(request, check, say) if check else {"job": None}),
    )


async def _columns(request: web.Request, file: ContactImport, plan: ImportPlan) -> list[dict[str, Any]]:
    sample = await request.app[BOT].imports.files.sample(file, SHOWN_ROWS)
    return [
        {
            "name": name,
            "target": target,
            "cells": [row[place][:80] for row in sample if place < len(row) and row[place].strip()],
        }
        for place, (name, target) in enumerate(zip(file.labels, plan.targets, strict=True))
    ]


async def _targets(request: web.Request, names: dict[str, str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """By group."""
    say = translator_for(request)
    groups = {"": say("Contact"), "attributes": say("Attributes"), **names, TEXTS: say("All texts")}
    found: dict[str, list[tuple[str, str]]] = {group: [] for group in groups}
    for target, (label, group) in (await request.app[BOT].imports.files.targets()).items():
        words = label if group == "attributes" else say(label)
        found[group].append((target, f"{groups[group]}: {words}" if group not in {"", "attributes"} else words))
    return [(groups[group], options) for group, options in found.items() if options]


async def _job(request: web.Request, job: Job, say: Translator) -> dict[str, Any]:
    """The progress of a check or an import, and the rows that fail."""
    jobs = request.app[BOT].jobs
    kind = jobs.kinds[job.kind]
    page = await jobs.items(job.id, limit=SHOWN_PROBLEMS)
    problems = [
        {"line": say.number(int(item.item.partition(".")[0])), "reason": said_faults(item.detail, say)}
        for item in page.items
    ]
    return {
        "job": job_view(job, kind, say),
        "is_over": job.state in ENDED,
        "is_done": job.state is JobState.DONE,
        "problems": problems,
        "has_more": page.next is not None,
        "failed": job.counts.get("failed", 0),
    }


async def _imported(request: web.Request, file: ContactImport) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    job = await bot.jobs.get(file.job or "")
    undo = await bot.jobs.get(file.undo) if file.undo else None
    return await teammate_page(
        request,
        "contacts/imported.html",
        section="contacts",
        title=say("Import contacts"),
        file=file,
        undo=job_view(undo, bot.jobs.kinds[undo.kind], say) if undo else None,
        is_undone=undo is not None and undo.state in ENDED,
        **await _job(request, job, say),
    )


@redrawn_by(show)
async def check(request: web.Request) -> web.StreamResponse:
    file = await _file(request)
    names = [f"column-{place}" for place in range(len(file.columns))]
    wanted, typed = await read_input(request, PlanForm, leaving=names), await fields(request)
    plan = ImportPlan(
        targets=tuple(typed.get(name, "") for name in names),
        given_at=wanted.time,
        **wanted.model_dump(exclude={"given_at"}),
    )
    await request.app[BOT].imports.check(file.id, plan, by(request))
    raise web.HTTPSeeOther(f"{PATH}/{file.id}#check")


async def act(request: web.Request) -> web.StreamResponse:
    """Starts or undoes the import. If someone else was faster, the page shows the current state."""
    imports, id = request.app[BOT].imports, request.match_info["id"]
    try:
        await (imports.start if request.match_info["act"] == "start" else imports.undo)(id, by(request))
    except Conflict:
        await imports.files.get(id)
    raise web.HTTPSeeOther(f"{PATH}/{id}")


async def wait(request: web.Request) -> web.StreamResponse:
    """Reloads the page once the job that it shows has ended."""
    file = await _file(request)
    id = file.undo or file.job or file.check
    job = await request.app[BOT].jobs.get(id) if id else None
    is_over = job is None or job.state in ENDED
    return web.Response(status=200 if is_over else 204, headers={"HX-Refresh": "true"} if is_over else {})


async def failed_rows(request: web.Request) -> web.StreamResponse:
    """The rows that were not imported, to be fixed and uploaded again."""
    file, say = await _file(request), translator_for(request)
    rows = request.app[BOT].imports.failed_rows(file, say)
    columns = (*file.labels, say("Line"), say("Problem"))
    recorded = Download(AuditAction.JOB_RESULTS_DOWNLOADED, file.file, file.job or file.check or "")
    return await send_csv(request, f"rows-to-fix-{file.id}.csv", columns, rows, recorded)


async def _file(request: web.Request) -> ContactImport:
    """Raises NotFound."""
    return await request.app[BOT].imports.files.get(request.match_info["id"])


def add_routes(app: web.Application) -> None:
    bulk = requires(Scope.BULK_CONTACTS)
    app.router.add_get(PATH, bulk(show_all))
    app.router.add_post(f"{PATH}/upload", taking_large_file(bulk(upload), most=MOST_BYTES))
    app.router.add_get(ONE, bulk(show))
    app.router.add_post(f"{ONE}/check", bulk(check))
    app.router.add_post(f"{ONE}/{{act:start|undo}}", bulk(act))
    app.router.add_get(f"{ONE}/wait", bulk(wait))
    app.router.add_get(f"{ONE}/failed.csv", bulk(failed_rows))
