"""Creating, updating and deleting up to a hundred contacts in one request: Intercom's job, and a result for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from bot.contacts.program_batch import EDITS, MOST, BatchAction, BatchEdit, BatchOutcome
from bot.jobs.kinds.edit_contacts import ContactBatchInput, EditContacts
from bot.model.job import Job, JobItem, JobState
from bot.workspace.access import Scope
from widget.api.contacts import ContactBody, NewContact, values_of
from widget.api.faults import NO_RESOURCE, ApiRefusal
from widget.api.jobs import TOO_MANY_JOBS, found_job
from widget.api.models import AnyId, ApiAnswer, ApiBody, Id, UnixTime, unix, unix_or_none
from widget.api.route import PREFIX, Call, Resource

PATH = "/contacts/bulk"
MOST_BYTES = 512 * 1024
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


class BulkCreateBody(ApiBody):
    contacts: list[BulkNewContact] = Field(min_length=1, max_length=MOST)


class BulkUpdateBody(ApiBody):
    contacts: list[BulkContactEdit] = Field(min_length=1, max_length=MOST)


class BulkDeleteBody(ApiBody):
    contacts: list[BulkContactReference] = Field(min_length=1, max_length=MOST)


class BulkTask(ApiAnswer):
    id: Id
    item_count: int = Field(examples=[2])
    state: BulkState = Field(examples=["completed"])
    created_at: UnixTime
    started_at: UnixTime | None
    completed_at: UnixTime | None


class BulkResult(ApiAnswer):
    index: int = Field(examples=[0], description="The place in the request.")
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
    results: list[BulkResult] = Field(description="Of the contacts that are done. Intercom's API has no such list.")


@bulk_contacts.post(PATH, scope=Scope.BULK_CONTACTS, errors=(TOO_MANY_JOBS,), status=202, most_bytes=MOST_BYTES)
async def bulk_create_contacts(call: Call, body: BulkCreateBody) -> BulkJobAnswer:
    """Create contacts in bulk.

    Never updates a contact: one with a known `external_id` or `email` is rejected with the code `conflict`.
    """
    return await _started(call, BatchAction.CREATE, [_edit(contact, contact.tags) for contact in body.contacts])


@bulk_contacts.put(PATH, scope=Scope.BULK_CONTACTS, errors=(TOO_MANY_JOBS,), status=202, most_bytes=MOST_BYTES)
async def bulk_update_contacts(call: Call, body: BulkUpdateBody) -> BulkJobAnswer:
    """Update contacts in bulk.

    Fields that are left out stay as they are; null removes.
    """
    edits = [_edit(contact, contact.tags, contact.id) for contact in body.contacts]
    return await _started(call, BatchAction.UPDATE, edits)


@bulk_contacts.post(f"{PATH}/delete", scope=Scope.BULK_CONTACTS, errors=(TOO_MANY_JOBS,), status=202)
async def bulk_delete_contacts(call: Call, body: BulkDeleteBody) -> BulkJobAnswer:
    """Delete contacts in bulk.

    Erases all of their personal data for good.
    """
    return await _started(call, BatchAction.DELETE, [BatchEdit(id=contact.id) for contact in body.contacts])


@bulk_contacts.get(f"{PATH}/{{job_id}}", scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE,))
async def show_bulk_job(call: Call) -> BulkJobAnswer:
    """Find a bulk job of contacts."""
    job = await found_job(call)
    if job.kind != EditContacts.name:
        raise ApiRefusal(NO_RESOURCE)
    return _answer(job, (await call.bot.jobs.items(job.id, limit=MOST)).items)


async def _started(call: Call, action: BatchAction, edits: Sequence[BatchEdit]) -> BulkJobAnswer:
    input = ContactBatchInput(
        action=action,
        edits=EDITS.dump_json(tuple(edits)).decode(),
        size=len(edits),
        actor=call.actor,
        by=call.by.id,
        by_name=call.by.name,
        token=call.by.token,
    )
    job = await call.bot.jobs.start(EditContacts, input, call.by, key=call.key[:24], detail=f"{action}: {len(edits)}")
    return _answer(job, [])


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


def _answer(job: Job, items: Sequence[JobItem]) -> BulkJobAnswer:
    state, completed_at = _state(job), unix_or_none(job.ended_at)
    task = BulkTask(
        id=job.id,
        item_count=job.input["size"],
        state=state,
        created_at=unix(job.created_at),
        started_at=unix_or_none(job.started_at),
        completed_at=completed_at,
    )
    return BulkJobAnswer(
        id=job.id,
        state=state,
        created_at=unix(job.created_at),
        updated_at=unix(job.updated_at),
        completed_at=completed_at,
        tasks=[task],
        url=f"{PREFIX}{PATH}/{job.id}",
        results=[_result(item) for item in items],
    )


def _state(job: Job) -> BulkState:
    """A job that failed or was canceled has not done everything."""
    state = STATES.get(job.state, "completed_with_errors")
    return "completed_with_errors" if state == "completed" and job.counts.get(BatchOutcome.REJECTED) else state


def _result(item: JobItem) -> BulkResult:
    outcome = BatchOutcome(item.outcome)
    is_rejected = outcome is BatchOutcome.REJECTED
    return BulkResult(
        index=int(item.item),
        outcome=outcome,
        contact_id=None if is_rejected else item.detail,
        code=item.detail if is_rejected else None,
    )
