"""Projects parts onto their conversation in one update, idempotent and in any order: pure.

Each field keeps the sequence of the part that set it, and ignores older parts. People's texts are literals: an
aggregation would read "$name" as a field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.model.conversation import OUTBOUND, RANK_OF_UNREAD, AuthorKind, ConversationState, Newest, Part
from bot.model.conversation_event import ConversationEvent, ConversationEventName

Update = list[dict[str, Any]]

_MS = int(RANK_OF_UNREAD.total_seconds() * 1000)
_STATES = {
    ConversationEventName.CLOSED: ConversationState.CLOSED,
    ConversationEventName.REOPENED: ConversationState.OPEN,
    ConversationEventName.WOKE: ConversationState.OPEN,
    ConversationEventName.SNOOZED: ConversationState.SNOOZED,
}


def projection(parts: Sequence[Part], *, team_seen: int = 0) -> Update:
    """The stages of one update; `parts` are of one conversation. `team_seen`: what a teammate has seen now."""
    stages: Update = []
    for part in sorted(parts, key=lambda part: part.seq):
        stages += _stages(part)
    if team_seen:
        stages.append({"$set": {"team_seen": _most("team_seen", team_seen)}})
    return [*stages, {"$set": {"rank": _rank("called"), "sign_up_rank": _SIGN_UP_RANK}}]


def _stages(part: Part) -> Update:
    seq, content = part.seq, part.content
    figures: dict[str, Any] = {"last": _most("last", seq), "assignee": {"$ifNull": ["$assignee", ""]}}
    if part.is_begin:
        figures["begun"] = True
    if part.is_sign_up:
        figures["signed_up"] = _most("signed_up", seq)
    if part.is_for_contact:
        if part.author != OUTBOUND:  # a message to many people doesn't reorder the inbox
            figures["updated_at"] = {"$max": ["$updated_at", part.at]}
        figures["newest"] = _if_newer("newest.seq", seq, Newest.of(part, seq).model_dump(), "newest")
        if part.preview:
            figures["preview"] = _if_newer("preview_seq", seq, part.preview, "preview")
            figures["preview_seq"] = _most("preview_seq", seq)
    is_woken = isinstance(content, ConversationEvent) and content.name is ConversationEventName.WOKE
    if part.is_message_of is AuthorKind.CONTACT or is_woken or part.is_handover:
        figures["called"] = _most("called", seq)
    if part.author.kind is AuthorKind.TEAMMATE and part.is_message_of:
        figures["team_seen"] = _most("team_seen", seq)  # a teammate who replies has read it
        figures["replied_seq"] = _most("replied_seq", seq)
    stages: Update = [{"$set": figures}]
    if isinstance(content, ConversationEvent) and part.is_handover:
        stages += _take("assignee", seq, {"assignee": content.to}) if content.to else []
        stages += _take("state", seq, {"state": ConversationState.OPEN, "snoozed_until": None})
    elif isinstance(content, ConversationEvent) and content.name is ConversationEventName.ASSIGNED:
        stages += _take("assignee", seq, {"assignee": content.to})
    elif isinstance(content, ConversationEvent) and content.name is ConversationEventName.WOKE and content.part:
        ends = {"$eq": [{"$ifNull": ["$state_seq", 0]}, content.part]}
        stages += _take("state", seq, {"state": ConversationState.OPEN, "snoozed_until": None}, only=ends)
    elif isinstance(content, ConversationEvent) and content.name in _STATES:
        stages += _take("state", seq, {"state": _STATES[content.name], "snoozed_until": content.until})
        if content.name is ConversationEventName.CLOSED:  # a later reply that was projected earlier reopens it
            replied = {"$and": [{"$eq": ["$state_seq", seq]}, {"$gt": [{"$ifNull": ["$replied_seq", 0]}, seq]}]}
            stages.append({"$set": {"state": {"$cond": [replied, ConversationState.OPEN, "$state"]}}})
    elif part.is_message_of is AuthorKind.CONTACT:
        stages += _take("state", seq, {"state": ConversationState.OPEN, "snoozed_until": None})
    elif part.is_message_of is AuthorKind.TEAMMATE:
        closed = {"$eq": ["$state", ConversationState.CLOSED]}
        stages += _take("state", seq, {"state": ConversationState.OPEN, "snoozed_until": None}, only=closed)
    return stages


def _most(field: str, seq: int) -> dict[str, Any]:
    return {"$max": [{"$ifNull": [f"${field}", 0]}, seq]}


def _if_newer(guard: str, seq: int, value: object, field: str) -> dict[str, Any]:
    newer = {"$lt": [{"$ifNull": [f"${guard}", 0]}, seq]}
    return {"$cond": [newer, {"$literal": value}, f"${field}"]}


def _take(field: str, seq: int, values: dict[str, Any], *, only: dict[str, Any] | None = None) -> Update:
    """Sets the values, unless a newer part has set them. None removes a field."""
    newer: dict[str, Any] = {"$lt": [{"$ifNull": [f"${field}_seq", 0]}, seq]}
    when = {"$and": [newer, only]} if only else newer
    change = {
        name: {"$cond": [when, "$$REMOVE" if value is None else {"$literal": value}, f"${name}"]}
        for name, value in values.items()
    }
    return [{"$set": {**change, f"{field}_seq": {"$cond": [when, seq, f"${field}_seq"]}}}]


def _rank(new: str) -> dict[str, Any]:
    """`new`: the field with the newest part that a teammate should look at."""
    is_unread = {"$gt": [{"$ifNull": [f"${new}", 0]}, {"$ifNull": ["$team_seen", 0]}]}
    return {"$cond": [is_unread, {"$add": ["$updated_at", _MS]}, "$updated_at"]}


_IS_SIGN_UP = {"$and": [{"$ne": ["$begun", True]}, {"$gt": ["$signed_up", 0]}]}
_SIGN_UP_RANK = {"$cond": [_IS_SIGN_UP, _rank("signed_up"), "$$REMOVE"]}
