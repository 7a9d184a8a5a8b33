"""Where segments are used: shown before one is archived. Whatever else can use a segment is a function here."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.model.flow import version_id
from bot.store import Store


@dataclass(frozen=True, slots=True)
class SegmentUse:
    """A flow or a message that uses a segment."""

    name: str
    path: str = ""
    """Its page; empty: it has none."""


async def flows(store: Store, segment: str) -> list[SegmentUse]:
    """Flows with a step that names the segment, in their published version."""
    found = await store.flows.in_use()
    versions = await store.flow_versions.get_many(version_id(flow.id, flow.version) for flow in found)
    naming = {version.flow for version in versions.values() if json.dumps(segment) in json.dumps(version.document)}
    return [SegmentUse(flow.name) for flow in found if flow.id in naming]


async def outbound_messages(store: Store, segment: str) -> list[SegmentUse]:
    """Drafts whose audience it is: an ordered message keeps the filter that the segment had."""
    drafts = await store.outbound_messages.drafts_with(segment, limit=20)
    return [SegmentUse(draft.name, f"/outbound/{draft.id}") for draft in drafts]


USERS: tuple[Callable[[Store, str], Awaitable[Sequence[SegmentUse]]], ...] = (flows, outbound_messages)
