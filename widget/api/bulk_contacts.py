"""Creating, updating and deleting up to a hundred contacts in one request: Intercom's job, and a result for each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from bot.contacts.program_batch import EDITS, MOST, BatchAction, BatchEdit, BatchOutcome
from bot.jobs.kinds.edit_contacts import ContactBatchInput, EditContacts
from bot.jobs.rules import ENDED
from bot.model.job import Job, JobItem, JobState
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix, unix_or_none
from bot.workspace.access import Scope
from widget.api.contacts import ContactBody, NewContact, values_of
from widget.api.faults import NO_RESOURCE, ApiFault, ApiRefusal
from widget.api.jobs import TOO_MANY_JOBS, found_job
from widget.api.models import AnyId, ApiBody
from widget.api.route import PREFIX, Call, Resource

PATH = "/contacts/bulk"
MOST_BYTES = 512 * 1024
MOST_TASKS = 25
MOST_LISTED = 100
"""Some more may be appended at the same moment."""
NO_JOB = ApiFault(404, "job_not_found", "Job not found.")
JOB_CLOSED = ApiFault(403, "forbidden", "All tasks of this job have ended. Start a new job.")
JOB_FULL = ApiFault(422, "parameter_invalid", f"A job has up to {MOST_TASKS} tasks. Start a new one.")
START_FAULTS = (NO_JOB, JOB_CLOSED, JOB_FULL, TOO_MANY_JOBS)
BulkState = Literal["pending", "running", "completed", "completed_with_errors"]
STATES: dict[JobState, BulkState] = {
    JobState.QUEUED: "pending",
    JobState.PAUSED: "pending",
    JobState.RUNNING: "running",
    JobState.DONE: "completed",
}

bulk_contacts = Resource(
    "Bulk contacts", f"Create, update or delete up to {MOST} contacts in one request. A job does it in the background."
)


class TagReference(ApiBody):
    id: AnyId


class TagChanges(ApiBody):
    """Unknown tags are skipped."""

    add: list[TagReference] = Field(default=[], max_length=50)
    remove: list[TagReference] = Field(default=[], max_length=50, examples=[[]])


class BulkNewContact(NewContact):
    tags: TagChanges = TagChanges()


class BulkContactEdit(ContactBody):
    id: AnyId
    tags: TagChanges = TagChanges()


class BulkContactReference(ApiBody):
    id: AnyId


class BulkJobReference(ApiBody):
    id: AnyId


class BulkBody(ApiBody):
    job: BulkJobReference | None = Field(
        None, description=f"Appends to this job, while it goes on: up to {MOST_TASKS} tasks.", examples=[None]
    )


class BulkCreateBody(BulkBody):
    contacts: list[BulkNewContact] = Field(min_length=1, max_length=MOST)


class BulkUpdateBody(BulkBody):
    contacts: list[BulkContactEdit] = Field(min_length=1, max_length=MOST)


class BulkDeleteBody(BulkBody):
    contacts: list[BulkContactReference] = Field(min_length=1, max_length=MOST)


class BulkTask(ApiAnswer):
    id: Id
    item_count: int = Field(examples=[2])
    state: BulkState = Field(examples=["completed"])
    created_at: UnixTime
    started_at: UnixTime | None
    completed_at: UnixTime | None


class BulkResult(ApiAnswer):
    task_id: Id
    index: int = Field(examples=[0], description="The item's position in the request.")
    outcome: BatchOutcome = Field(examples=["created"])
    contact_id: str | None = Field(examples=["6762f0cd1bb69f9f2193bb7c"])
    code: str | None = Field(examples=[None], description="Why it was rejected.")


class BulkJobAnswer(ApiAnswer):
    type: Literal["contacts.bulk.job"] = "contacts.bulk.job"
    id: Id
    state: BulkState = Field(examples=["completed"])
    created_at: UnixTime
    updated_at: UnixTime
    completed_at: UnixTime | None
    tasks: list[BulkTask]
    url: str = Field(examples=["/api/contacts/bulk/6762f0cd1bb69f9f2193bb7c"])
    results: list[BulkResult] = Field(
        description="Results of the contacts that are finished. Not part of Intercom's API."
    )


@bulk_contacts.post(PATH, scope=Scope.BULK_CONTACTS, errors=START_FAULTS, status=202, most_bytes=MOST_BYTES)
async def bulk_create_contacts(call: Call, body: BulkCreateBody) -> BulkJobAnswer:
    """Create contacts in bulk.

    Never updates a contact: one with a known `external_id` or `email` is rejected with the code `conflict`.
    """
    return await _started(
        call, body.job, BatchAction.CREATE, [_edit(contact, contact.tags) for contact in body.contacts]
    )


@bulk_contacts.put(PATH, scope=Scope.BULK_CONTACTS, errors=START_FAULTS, status=202, most_bytes=MOST_BYTES)
async def bulk_update_contacts(call: Call, body: BulkUpdateBody) -> BulkJobAnswer:
    """Update contacts in bulk.

    Fields that are left out stay as they are; null removes.
    """
    edits = [_edit(contact, contact.tags, contact.id) for contact in body.contacts]
    return await _started(call, body.job, BatchAction.UPDATE, edits)


@bulk_contacts.post(f"{PATH}/delete", scope=Scope.BULK_CONTACTS, errors=START_FAULTS, status=202)
async def bulk_delete_contacts(call: Call, body: BulkDeleteBody) -> BulkJobAnswer:
    """Delete contacts in bulk.

    Erases all of their personal data for good.
    """
    return await _started(call, body.job, BatchAction.DELETE, [BatchEdit(id=contact.id) for contact in body.contacts])


@bulk_contacts.get(f"{PATH}/{{job_id}}", scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE,))
async def show_bulk_job(call: Call) -> BulkJobAnswer:
    """Find a bulk job of contacts.

    With the tasks that were appended to it.
    """
    return await _whole(call, await _found(call, call.variable("job_id")))


async def _started(
    call: Call, to: BulkJobReference | None, action: BatchAction, edits: Sequence[BatchEdit]
) -> BulkJobAnswer:
    if made := await call.bot.store.jobs.get(call.new_id):  # sent again
        return await _whole(call, await _found(call, made.group or made.id))
    head = await _open(call, to.id) if to else None
    input = ContactBatchInput(
        action=action,
        edits=EDITS.dump_json(tuple(edits)).decode(),
        size=len(edits),
        actor=call.actor,
        by=call.by.id,
        by_name=call.by.name,
        token=call.by.token,
    )
    detail, group = f"{action}: {len(edits)}", head.id if head else None
    job = await call.bot.jobs.start(EditContacts, input, call.by, key=call.new_id, detail=detail, group=group)
    return await _whole(call, head or job)


async def _found(call: Call, id: str) -> Job:
    """Raises ApiRefusal (404), also for one that was appended."""
    job = await found_job(call, id)
    if job.kind != EditContacts.name or job.group:
        raise ApiRefusal(NO_RESOURCE)
    return job


async def _open(call: Call, id: str) -> Job:
    """Raises ApiRefusal: it can't be appended to."""
    try:
        head = await _found(call, id)
    except ApiRefusal:
        raise ApiRefusal(NO_JOB, field="job.id") from None
    tasks = [head, *await call.bot.jobs.appended(head.id, limit=MOST_TASKS)]
    if all(task.state in ENDED for task in tasks):
        raise ApiRefusal(JOB_CLOSED, field="job.id")
    if len(tasks) >= MOST_TASKS:
        raise ApiRefusal(JOB_FULL, field="job.id")
    return head


async def _whole(call: Call, head: Job) -> BulkJobAnswer:
    tasks = [head, *await call.bot.jobs.appended(head.id, limit=MOST_LISTED)]
    pages = await asyncio.gather(*(call.bot.jobs.items(task.id, limit=MOST) for task in tasks))
    return _answer(tasks, [item for page in pages for item in page.items])


def _edit(body: ContactBody, tags: TagChanges, id: str = "") -> BatchEdit:
    seen = datetime.fromtimestamp(body.last_seen_at, UTC) if body.last_seen_at is not None else None
    return BatchEdit(
        id=id,
        values=values_of(body),
        attributes=body.custom_attributes or {},
        last_seen_at=seen,
        leaves_emails=bool(body.unsubscribed_from_emails),
        add_tags=tuple(tag.id for tag in tags.add),
        remove_tags=tuple(tag.id for tag in tags.remove),
    )


def _answer(tasks: Sequence[Job], items: Sequence[JobItem]) -> BulkJobAnswer:
    head, state = tasks[0], _state_of_all([_state(task) for task in tasks])
    ends = [task.ended_at for task in tasks if task.ended_at]
    is_over = len(ends) == len(tasks) and state not in {"pending", "running"}
    return BulkJobAnswer(
        id=head.id,
        state=state,
        created_at=unix(head.created_at),
        updated_at=unix(max(task.updated_at for task in tasks)),
        completed_at=unix(max(ends)) if is_over else None,
        tasks=[_task(task) for task in tasks],
        url=f"{PREFIX}{PATH}/{head.id}",
        results=[_result(item) for item in items],
    )


def _task(job: Job) -> BulkTask:
    return BulkTask(
        id=job.id,
        item_count=job.input["size"],
        state=_state(job),
        created_at=unix(job.created_at),
        started_at=unix_or_none(job.started_at),
        completed_at=unix_or_none(job.ended_at),
    )


def _state(job: Job) -> BulkState:
    """A job that failed or was canceled has not done everything."""
    state = STATES.get(job.state, "completed_with_errors")
    return "completed_with_errors" if state == "completed" and job.counts.get(BatchOutcome.REJECTED) else state


def _state_of_all(states: Sequence[BulkState]) -> BulkState:
    if len({*states}) == 1:
        return states[0]
    return "running" if {*states} & {"pending", "running"} else "completed_with_errors"


def _result(item: JobItem) -> BulkResult:
    outcome = BatchOutcome(item.outcome)
    is_rejected = outcome is BatchOutcome.REJECTED
    return BulkResult(
        task_id=item.job,
        index=int(item.item),
        outcome=outcome,
        contact_id=None if is_rejected else item.detail,
        code=item.detail if is_rejected else None,
    )
