"""Creating, changing and archiving segments."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bot.model.filter import Filter
from bot.shapes.base import UnixTime, unix_or_none
from bot.workspace.access import Scope
from widget.api.faults import NO_RESOURCE, REFUSED
from widget.api.models import ApiBody
from widget.api.route import Call, Resource
from widget.api.segments import SegmentAnswer, found_segment, segment_answer

PATH = "/segments/{segment_id}"
EXAMPLE = {"groups": [{"conditions": [{"field": "role", "roles": ["user"]}]}]}
FAULTS = (NO_RESOURCE, REFUSED)

segment_edits = Resource(
    "Managing segments",
    "Create, change and archive segments. A filter is a document of groups of conditions, the same as that of the "
    "contacts page.",
    is_compatible=False,
)


class SegmentDetail(SegmentAnswer):
    filter: dict[str, Any] = Field(
        examples=[EXAMPLE], description="The same document as in the request that creates a segment."
    )
    archived_at: UnixTime | None = Field(examples=[None])


class NewSegmentBody(ApiBody):
    name: str = Field(min_length=1, max_length=80, examples=["Users"])
    filter: Filter = Field(examples=[EXAMPLE])


class SegmentEditBody(ApiBody):
    """Fields that are left out stay as they are."""

    name: str | None = Field(None, min_length=1, max_length=80, examples=["Users"])
    filter: Filter | None = Field(None, examples=[EXAMPLE])


@segment_edits.post("/segments", scope=Scope.WRITE_CONTACTS, errors=(REFUSED,))
async def create_segment(call: Call, body: NewSegmentBody) -> SegmentDetail:
    """Create a segment."""
    return await _detail(call, (await call.bot.segments.save(body.name, stored_filter(body.filter), call.by)).id)


@segment_edits.get(f"{PATH}/filter", scope=Scope.READ_CONTACTS, errors=(NO_RESOURCE,))
async def show_segment_filter(call: Call) -> SegmentDetail:
    """Find a segment with its filter.

    Archived segments are found, too.
    """
    return await _detail(call, call.variable("segment_id"))


@segment_edits.put(PATH, scope=Scope.WRITE_CONTACTS, errors=FAULTS)
async def update_segment(call: Call, body: SegmentEditBody) -> SegmentDetail:
    """Rename a segment or change its filter."""
    found = await found_segment(call, call.variable("segment_id"))
    if body.filter is not None:
        await call.bot.segments.set_filter(found.id, stored_filter(body.filter), call.by)
    if body.name is not None and body.name != found.name:
        await call.bot.segments.rename(found.id, body.name, call.by)
    return await _detail(call, found.id)


@segment_edits.post(f"{PATH}/archive", scope=Scope.WRITE_CONTACTS, errors=FAULTS)
async def archive_segment(call: Call) -> SegmentDetail:
    """Archive a segment.

    Flows and messages that use it keep working.
    """
    return await _archived(call, is_archived=True)


@segment_edits.post(f"{PATH}/restore", scope=Scope.WRITE_CONTACTS, errors=FAULTS)
async def restore_segment(call: Call) -> SegmentDetail:
    """Restore an archived segment."""
    return await _archived(call, is_archived=False)


async def _archived(call: Call, *, is_archived: bool) -> SegmentDetail:
    found = await found_segment(call, call.variable("segment_id"))
    if (found.archived_at is not None) is not is_archived:
        change = call.bot.segments.archive if is_archived else call.bot.segments.restore
        await change(found.id, call.by)
    return await _detail(call, found.id)


async def _detail(call: Call, id: str) -> SegmentDetail:
    found = await found_segment(call, id)
    answer = await segment_answer(call, found, is_counted=False)
    filter = found.filter.model_dump(mode="json", exclude_defaults=True)
    return SegmentDetail(**dict(answer), filter=filter, archived_at=unix_or_none(found.archived_at))


def stored_filter(filter: Filter) -> Filter:
    """As it will be stored. Raises Invalid: it is too long."""
    return Filter.from_text(filter.as_text())
