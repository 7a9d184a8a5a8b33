"""Segments: saved filters."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from bot.errors import FilterTooBroad, Invalid, NotFound
from bot.model.segment import Segment
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix
from bot.workspace.access import Scope
from widget.api.contact_lookup import CONTACT_FAULTS, found_contact
from widget.api.faults import NO_RESOURCE, ApiRefusal
from widget.api.models import ApiQuery
from widget.api.route import Call, Resource

segments = Resource("Segments", "Saved filters of contacts. Their members are the contacts that match now.")


class CountQuery(ApiQuery):
    include_count: bool = Field(False, description="Whether to count the members.")


class SegmentAnswer(ApiAnswer):
    type: Literal["segment"] = "segment"
    id: Id
    name: str = Field(examples=["Portland"])
    created_at: UnixTime
    updated_at: UnixTime
    person_type: Literal["contact", "user"] = "contact"
    count: int | None = Field(
        None,
        examples=[42],
        exclude_if=lambda count: count is None,
        description="Only with `include_count=true`, and if it can be counted in time. Exact up to 5,000.",
    )


class SegmentList(ApiAnswer):
    type: Literal["segment.list"] = "segment.list"
    segments: list[SegmentAnswer]
    pages: dict[str, Any] = Field(default={}, examples=[{}])


class ContactSegments(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[SegmentAnswer]


@segments.get("/segments", scope=Scope.READ_CONTACTS)
async def list_segments(call: Call, query: CountQuery) -> SegmentList:
    """List segments."""
    found = await call.bot.segments.all()
    return SegmentList(
        segments=[await segment_answer(call, segment, is_counted=query.include_count) for segment in found]
    )


@segments.get("/segments/{segment_id}", scope=Scope.READ_CONTACTS, errors=(NO_RESOURCE,))
async def show_segment(call: Call, query: CountQuery) -> SegmentAnswer:
    """Find a segment."""
    found = await found_segment(call, call.variable("segment_id"))
    return await segment_answer(call, found, is_counted=query.include_count)


@segments.get("/contacts/{contact_id}/segments", scope=Scope.READ_CONTACTS, errors=CONTACT_FAULTS)
async def list_contact_segments(call: Call) -> ContactSegments:
    """List a contact's segments."""
    contact = await found_contact(call)
    found = [segment for segment in await call.bot.segments.all() if await _has(call, segment, contact.id)]
    return ContactSegments(data=[await segment_answer(call, segment, is_counted=False) for segment in found])


async def found_segment(call: Call, id: str) -> Segment:
    """Raises ApiRefusal (404)."""
    try:
        return await call.bot.segments.get(id)
    except NotFound:
        raise ApiRefusal(NO_RESOURCE) from None


async def segment_answer(call: Call, segment: Segment, *, is_counted: bool) -> SegmentAnswer:
    return SegmentAnswer(
        id=segment.id,
        name=segment.name,
        created_at=unix(segment.created_at),
        updated_at=unix(segment.updated_at),
        count=await _count(call, segment) if is_counted else None,
    )


async def _count(call: Call, segment: Segment) -> int | None:
    try:
        return (await call.bot.finder.count(segment.filter)).number
    except (FilterTooBroad, Invalid):
        return None


async def _has(call: Call, segment: Segment, contact: str) -> bool:
    """A segment that names something that was deleted has no members."""
    try:
        return bool(await call.bot.finder.among(segment.filter, [contact]))
    except Invalid:
        return False
