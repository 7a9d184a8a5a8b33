"""Exports of contacts to a file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bot.contacts.export import ExportFormat
from bot.jobs.contact_exports import format_of
from bot.model.audit import AuditAction
from bot.model.filter import Filter
from bot.model.job import Job
from bot.model.selection import MOST_SELECTED, Selection
from bot.shapes.base import ApiAnswer, Id
from bot.workspace.access import Scope
from widget.api.contact_lookup import found_or_404
from widget.api.faults import NO_RESOURCE, REFUSED, TOO_BROAD
from widget.api.jobs import TOO_MANY_JOBS, JobAnswer, job_answer
from widget.api.models import AnyId, ApiBody
from widget.api.route import PREFIX, ApiFile, Call, Resource
from widget.api.segment_edits import EXAMPLE, stored_filter
from widget.api.segments import found_segment
from widget.web.downloads import Download

PATH = "/exports"
ONE = f"{PATH}/{{export_id}}"
TYPES = {ExportFormat.CSV: "text/csv", ExportFormat.NDJSON: "application/x-ndjson"}

exports = Resource(
    "Exports",
    "Contacts as a file: their details, tags, attributes, and each consent with its state, date, source, evidence and "
    "event. A job writes the file, which is kept for a week.",
    is_compatible=False,
)


class NewExport(ApiBody):
    """One of `contacts`, `segment` and `filter`. An empty filter exports everyone."""

    format: ExportFormat = Field(ExportFormat.CSV, strict=False, examples=["csv"])
    contacts: list[AnyId] | None = Field(None, min_length=1, max_length=MOST_SELECTED, examples=[None])
    segment: AnyId | None = Field(None, examples=[None])
    filter: Filter | None = Field(None, examples=[EXAMPLE])

    @model_validator(mode="after")
    def _is_of_somebody(self) -> NewExport:
        if [self.contacts, self.segment, self.filter].count(None) != 2:
            raise ValueError("One of contacts, segment and filter is required")
        return self


class ExportAnswer(ApiAnswer):
    type: Literal["export"] = "export"
    id: Id
    format: ExportFormat = Field(examples=["csv"])
    job: JobAnswer
    file_url: str | None = Field(
        examples=["/api/exports/6762f0cd1bb69f9f2193bb7c/file"],
        description="`null` until the job is done, and after the file has expired.",
    )


@exports.post(PATH, scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE, REFUSED, TOO_BROAD, TOO_MANY_JOBS), status=202)
async def start_export(call: Call, body: NewExport) -> ExportAnswer:
    """Export contacts.

    Starts a job. With an `Idempotency-Key`, sending it again starts no second one.
    """
    selection = await _selection(call, body)
    size = (await call.bot.selected.count(selection)).number
    return await _answer(call, await call.bot.exports.start(selection, size, body.format, call.by, key=call.new_id))


@exports.get(ONE, scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE,))
async def show_export(call: Call) -> ExportAnswer:
    """Find an export."""
    return await _answer(call, await found_or_404(call.bot.exports.get(call.variable("export_id"))))


@exports.get(f"{ONE}/file", scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE,), files=tuple(TYPES.values()))
async def download_export(call: Call) -> ApiFile:
    """Download the file of an export.

    The download is in the audit log.
    """
    file = await found_or_404(call.bot.exports.file(call.variable("export_id")))
    format = format_of(file.job)
    name, detail = f"contacts-{file.job.created_at:%Y-%m-%d}.{format}", f"{file.job.done} {format}"
    return ApiFile(name, TYPES[format], file.pieces, Download(AuditAction.CONTACTS_EXPORTED, detail=detail))


async def _selection(call: Call, body: NewExport) -> Selection:
    """Raises ApiRefusal (404) and Invalid."""
    if body.segment is not None:
        return Selection(filter=(await found_segment(call, body.segment)).filter.as_text())
    if body.filter is not None:
        return Selection(filter=stored_filter(body.filter).as_text())
    return Selection(ids=tuple(dict.fromkeys(body.contacts or ())))


async def _answer(call: Call, job: Job) -> ExportAnswer:
    url = f"{PREFIX}{PATH}/{job.id}/file" if await call.bot.exports.has_file(job) else None
    return ExportAnswer(id=job.id, format=format_of(job), job=job_answer(job), file_url=url)
