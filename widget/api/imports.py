"""Imports of contacts from a CSV file."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from bot.errors import Conflict, FormWrong
from bot.i18n import translator
from bot.model.audit import AuditAction
from bot.model.contact_import import TEXTS, ContactImport, DateOrder, Existing, ImportPlan
from bot.model.event import How
from bot.model.job import Job
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix, unix_or_none
from bot.workspace.access import Scope
from bot.workspace.wording import lines, one_line
from widget.api.contact_lookup import found_or_404
from widget.api.faults import NO_RESOURCE, REFUSED, ApiFault, ApiRefusal
from widget.api.jobs import TOO_MANY_JOBS, JobAnswer, job_answer
from widget.api.models import ApiBody
from widget.api.route import ApiFile, Call, Resource
from widget.web.downloads import Download, csv_pieces

PATH = "/imports"
ONE = f"{PATH}/{{import_id}}"
MOST_BYTES = 4 * 1024 * 1024
"""Of a file with its request: about 100,000 rows, which are stored within the time limit of requests. Pages and the
command line take larger files."""
NOT_READY = ApiFault(409, "conflict", "Check the file first, and wait until its job has ended.")
NOT_IMPORTED = ApiFault(409, "conflict", "Only a finished import can be undone.")
IMPORTED = ApiFault(409, "conflict", "The file is already imported.")

imports = Resource(
    "Imports",
    "Contacts and their consents from a CSV file: upload it, map its columns, check it in a dry run, import it, and "
    "undo it if needed.",
    is_compatible=False,
)


class NewImport(ApiBody):
    file: Annotated[str, BeforeValidator(one_line)] = Field(
        "file.csv", min_length=1, max_length=200, examples=["customers.csv"]
    )
    csv: str = Field(examples=["email,phone\nmaya@shop.example,+12015550123\n"], description="The file's text.")


def left_out() -> Any:
    """The default of fields that can be left out, but not be `null`."""


class ImportPlanBody(ApiBody):
    """Fields that are left out stay as they are: as last checked, or as guessed from the columns."""

    mapping: dict[str, str] = Field(
        default_factory=left_out,
        examples=[{"email": "email", "phone": "phone"}],
        description="What columns contain, by their names: targets of `GET /imports/targets`. Columns that are left "
        "out are not imported.",
    )
    region: str = Field(
        default_factory=left_out,
        pattern="^[A-Z]{2}$",
        examples=["US"],
        description="The country of numbers without a country code.",
    )
    date_order: DateOrder = Field(
        default_factory=left_out,
        strict=False,
        examples=["month_first"],
        description="How dates like 03/04/2025 are meant.",
    )
    existing: Existing = Field(
        default_factory=left_out,
        strict=False,
        examples=["update"],
        description="Fields of contacts that exist: `update` them, `fill` empty ones, or `skip` them.",
    )
    creates: bool = Field(
        default_factory=left_out, examples=[True], description="Whether unknown people become contacts."
    )
    everyone_in: str = Field(
        default_factory=left_out,
        max_length=40,
        examples=[""],
        description="The subscription type that everyone in the file opted in to.",
    )
    everyone_out: str = Field(
        default_factory=left_out,
        max_length=40,
        examples=[""],
        description=f"The one that everyone opted out of, or `{TEXTS}`: all texts.",
    )
    how: How | None = Field(
        None, strict=False, examples=["paper"], description="How consent was given. `null`: unknown."
    )
    given_at: UnixTime | None = Field(None, description="When, for rows without a date. `null`: unknown.")
    note: Annotated[str, BeforeValidator(lines)] = Field(
        default_factory=left_out,
        max_length=1000,
        examples=["Cards filled in at the counter"],
        description="Where, and the words agreed to.",
    )
    asks: bool = Field(
        default_factory=left_out, examples=[False], description="Whether double opt-in asks them to confirm by text."
    )
    confirmation: bool = Field(
        default_factory=left_out, examples=[False], description="Whether they get the confirmation text."
    )
    flows: bool = Field(default_factory=left_out, examples=[False], description="Whether bot flows react.")


class ColumnAnswer(ApiAnswer):
    column: str = Field(examples=["email"])
    target: str = Field(examples=["email"], description="Empty: not imported.")


class ImportAnswer(ApiAnswer):
    type: Literal["import"] = "import"
    id: Id
    file: str = Field(examples=["customers.csv"])
    rows: int = Field(examples=[1200])
    preset: str | None = Field(examples=["klaviyo"], description="The product that the file seems to come from.")
    mapping: list[ColumnAnswer]
    region: str = Field(examples=["US"])
    date_order: DateOrder = Field(examples=["month_first"])
    existing: Existing = Field(examples=["update"])
    creates: bool = Field(examples=[True])
    everyone_in: str = Field(examples=["6762f0cd1bb69f9f2193bb7c"])
    everyone_out: str = Field(examples=[""])
    how: How | None = Field(examples=["paper"])
    given_at: UnixTime | None
    note: str = Field(examples=["Cards filled in at the counter"])
    asks: bool = Field(examples=[False])
    confirmation: bool = Field(examples=[False])
    flows: bool = Field(examples=[False])
    check: JobAnswer | None = Field(description="The dry run.")
    job: JobAnswer | None = Field(description="The import.")
    undo: JobAnswer | None
    created_at: UnixTime
    expires_at: UnixTime


class ImportList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[ImportAnswer]


class TargetAnswer(ApiAnswer):
    target: str = Field(examples=["consent:6762f0cd1bb69f9f2193bb7c"])
    name: str = Field(examples=["Consent"])
    subscription: str | None = Field(
        examples=["6762f0cd1bb69f9f2193bb7c"], description=f"The subscription type that it is about, or `{TEXTS}`."
    )


class TargetList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[TargetAnswer]


@imports.get(PATH, scope=Scope.BULK_CONTACTS)
async def list_imports(call: Call) -> ImportList:
    """List imports.

    The newest 50.
    """
    return ImportList(data=[await _answer(call, file) for file in await call.bot.imports.files.newest()])


@imports.post(PATH, scope=Scope.BULK_CONTACTS, errors=(REFUSED,), most_bytes=MOST_BYTES)
async def upload_import(call: Call, body: NewImport) -> ImportAnswer:
    """Upload a CSV file.

    Nothing is imported yet. The answer has a guess at what the columns contain. The file is kept for three days.
    """
    data = body.csv.removeprefix("\ufeff").encode()
    found = await call.bot.imports.upload(BytesIO(data), body.file, len(data), call.by, encoding="utf-8")
    return await _answer(call, found)


@imports.get(f"{PATH}/targets", scope=Scope.BULK_CONTACTS)
async def list_import_targets(call: Call) -> TargetList:
    """List what columns can contain."""
    targets, say = await call.bot.imports.files.targets(), translator("en")
    return TargetList(
        data=[
            TargetAnswer(
                target=target,
                name=name if of == "attributes" else say(name),
                subscription=None if of in {"", "attributes"} else of,
            )
            for target, (name, of) in targets.items()
        ]
    )


@imports.get(ONE, scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE,))
async def show_import(call: Call) -> ImportAnswer:
    """Find an import."""
    return await _answer(call, await _found(call))


@imports.post(
    f"{ONE}/check", scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE, IMPORTED, REFUSED, TOO_MANY_JOBS), status=202
)
async def check_import(call: Call, body: ImportPlanBody) -> ImportAnswer:
    """Check an import.

    A dry run, as a job: its counts say what the import would do, and `GET /jobs/{job_id}/results` which rows fail.
    """
    file = await _found(call)
    plan = await _plan(call, file, body)
    try:
        return await _answer(call, await call.bot.imports.check(file.id, plan, call.by))
    except Conflict:
        raise ApiRefusal(IMPORTED) from None
    except FormWrong as wrong:
        raise _named(wrong, file) from None


@imports.post(
    f"{ONE}/start", scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE, NOT_READY, REFUSED, TOO_MANY_JOBS), status=202
)
async def start_import(call: Call) -> JobAnswer:
    """Import a file as it was checked.

    A file is imported once: starting it again answers the same job.
    """
    try:
        return job_answer(await call.bot.imports.start((await _found(call)).id, call.by))
    except Conflict:
        raise ApiRefusal(NOT_READY) from None


@imports.post(f"{ONE}/undo", scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE, NOT_IMPORTED, TOO_MANY_JOBS), status=202)
async def undo_import(call: Call) -> JobAnswer:
    """Undo an import.

    Removes contacts that it created and nobody used since, restores the fields that it changed, and retracts the
    consents that it recorded.
    """
    try:
        return job_answer(await call.bot.imports.undo((await _found(call)).id, call.by))
    except Conflict:
        raise ApiRefusal(NOT_IMPORTED) from None


@imports.get(f"{ONE}/failed_rows.csv", scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE,), files=("text/csv",))
async def download_failed_rows(call: Call) -> ApiFile:
    """Download the rows that failed.

    As they were uploaded, each with its line and the problem: fix them and upload them again. The download is in the
    audit log.
    """
    file, say = await _found(call), translator("en")
    pieces = csv_pieces((*file.labels, "Line", "Problem"), call.bot.imports.failed_rows(file, say))
    download = Download(AuditAction.JOB_RESULTS_DOWNLOADED, file.file, file.job or file.check or "")
    return ApiFile(f"rows-to-fix-{file.id}.csv", "text/csv", pieces, download)


async def _found(call: Call) -> ContactImport:
    """Raises ApiRefusal (404)."""
    return await found_or_404(call.bot.imports.files.get(call.variable("import_id")))


async def _plan(call: Call, file: ContactImport, body: ImportPlanBody) -> ImportPlan:
    """Raises FormWrong."""
    before = file.plan or await call.bot.imports.files.guess(file)
    given = body.model_dump(exclude={"mapping"}, exclude_unset=True)
    if body.given_at is not None:
        given["given_at"] = datetime.fromtimestamp(body.given_at, UTC)
    if "mapping" in body.model_fields_set:
        given["targets"] = _targets(file, body.mapping)
    return before.model_copy(update=given)


def _targets(file: ContactImport, mapping: dict[str, str]) -> tuple[str, ...]:
    """Raises FormWrong."""
    if unknown := [name for name in mapping if name not in file.labels]:
        raise FormWrong({f"mapping.{unknown[0][:100]}": "The file has no such column."})
    return tuple(mapping.get(name, "") for name in file.labels)


def _named(wrong: FormWrong, file: ContactImport) -> FormWrong:
    """Its faults by the names of columns."""
    places = {f"column-{place}": f"mapping.{name}" for place, name in enumerate(file.labels)}
    return FormWrong({places.get(field, field): text for field, text in wrong.faults.items()}, **wrong.values)


async def _answer(call: Call, file: ContactImport) -> ImportAnswer:
    plan = file.plan or await call.bot.imports.files.guess(file)
    jobs = await call.bot.store.jobs.get_many(id for id in (file.check, file.job, file.undo) if id)
    return ImportAnswer(
        id=file.id,
        file=file.file,
        rows=file.rows,
        preset=file.preset or None,
        mapping=[ColumnAnswer(column=n, target=t) for n, t in zip(file.labels, plan.targets, strict=True)],
        **plan.model_dump(exclude={"targets", "given_at"}),
        given_at=unix_or_none(plan.given_at),
        check=_job(jobs, file.check),
        job=_job(jobs, file.job),
        undo=_job(jobs, file.undo),
        created_at=unix(file.created_at),
        expires_at=unix(file.expires_at),
    )


def _job(jobs: dict[str, Job], id: str | None) -> JobAnswer | None:
    return job_answer(jobs[id]) if id and id in jobs else None
