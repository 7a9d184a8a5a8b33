"""A cursor as a condition on the documents that follow it in an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.model.paging import Cursor


def following(order: Sequence[tuple[str, int]], cursor: Cursor | None) -> dict[str, Any]:
    """Matches what comes after `cursor` in `order` (field and direction, as many as the cursor has keys).

    One range on the leading field lets the index start at the cursor; the alternatives decide among equal keys.
    """
    if cursor is None:
        return {}
    keys = list(zip(order, cursor.keys, strict=True))
    if len(keys) == 1:
        (field, direction), key = keys[0]
        return {field: {_after(direction): key}}
    alternatives = []
    for place, ((field, direction), key) in enumerate(keys):
        equal = {name: value for (name, _direction), value in keys[:place]}
        alternatives.append({**equal, field: {_after(direction): key}})
    (lead, direction), key = keys[0]
    return {lead: {f"{_after(direction)}e": key}, "$or": alternatives}


def _after(direction: int) -> str:
    return "$gt" if direction > 0 else "$lt"
