"""The changes that endpoints can be told of, in the order in which they were committed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

from bson import Timestamp

from bot.store.change_reader import ChangeReader, Token
from bot.store.contacts import EDITED, TAGGED

if TYPE_CHECKING:
    from bot.store.client import Store

INSERTED = ("contacts", "conversations", "parts", "deliveries")
CONTACT_FIELDS = (EDITED, "phone", "email")
DELIVERY_FIELDS = ("state", "status")
ARCHIVED = "archived_at"
TOLD = (*CONTACT_FIELDS, ARCHIVED, TAGGED, *DELIVERY_FIELDS)


@dataclass(frozen=True, slots=True)
class StoreChange:
    """A document that was inserted, or updated."""

    table: str
    id: str
    is_new: bool
    document: Mapping[str, Any]
    """Of an entry of a conversation: the whole document."""
    became: tuple[str, ...]
    """Of a delivery: its new state and the provider's new status, those that changed."""
    is_edited: bool
    """Of a contact: a field that an update tells of changed."""
    archived: bool | None
    """Of a contact: it was archived, or it is no longer."""
    tagged: tuple[str, ...]
    untagged: tuple[str, ...]
    """Of a contact: tags that it got or lost."""
    at: datetime
    """The end of the second in which it was committed, so that nothing seems to be from before an endpoint existed."""
    moment: Timestamp
    key: str
    """Unique, and the same when the stream is read again."""

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        moment: Timestamp = raw["clusterTime"]
        table, is_new = raw["ns"]["coll"], raw["operationType"] == "insert"
        changed = raw.get("changed") or raw.get("fullDocument") or {}
        return cls(
            table=table,
            id=str(raw["documentKey"]["_id"]),
            is_new=is_new,
            document=raw.get("fullDocument") or {},
            became=tuple(str(changed[name]) for name in DELIVERY_FIELDS if changed.get(name)),
            is_edited=any(changed.get(name) for name in CONTACT_FIELDS),
            archived=None if is_new else _archived(raw, changed),
            tagged=_first_tags(raw) if is_new and table == "contacts" else _tags(changed, "+"),
            untagged=_tags(changed, "-"),
            at=datetime.fromtimestamp(moment.time, UTC) + timedelta(milliseconds=999),
            moment=moment,
            key=sha256(str(raw["_id"].get("_data", raw["_id"])).encode()).hexdigest()[:32],
        )


def _archived(raw: Mapping[str, Any], changed: Mapping[str, Any]) -> bool | None:
    if changed.get(ARCHIVED):
        return True
    return False if ARCHIVED in (raw.get("removed") or ()) else None


def _tags(changed: Mapping[str, Any], sign: str) -> tuple[str, ...]:
    return tuple(re.findall(rf"[{sign}]([^+-]+)", str(changed.get(TAGGED) or "")))


def _first_tags(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Of a contact that was created with them."""
    return tuple((raw.get("fullDocument") or {}).get("tags") or ())


def webhook_changes(store: Store, token: Token | None, start: datetime | None) -> ChangeReader:
    """From the token, or from this time on."""
    updated: list[dict[str, Any]] = [
        {"ns.coll": name, f"updateDescription.updatedFields.{field}": {"$exists": True}}
        for name, fields in (("contacts", (*CONTACT_FIELDS, TAGGED)), ("deliveries", DELIVERY_FIELDS))
        for field in fields
    ]
    updated += [
        {"ns.coll": "contacts", f"updateDescription.updatedFields.{ARCHIVED}": {"$exists": True}},
        {"ns.coll": "contacts", "updateDescription.removedFields": ARCHIVED},
    ]
    pipeline: list[dict[str, Any]] = [
        {
            "$match": {
                "$or": [
                    {"operationType": "insert", "ns.coll": {"$in": [*INSERTED]}},
                    {"operationType": "update", "$or": updated},
                ]
            }
        },
        {
            "$project": {
                "operationType": 1,
                "ns": 1,
                "documentKey": 1,
                "clusterTime": 1,
                **{f"fullDocument.{name}": 1 for name in STORED},
                "changed": {name: f"$updateDescription.updatedFields.{name}" for name in TOLD},
                "removed": "$updateDescription.removedFields",
            }
        },
    ]
    moment = Timestamp(int(start.timestamp()), 1) if start else None
    return ChangeReader(store.database, None, pipeline, token, start=moment)


STORED = ("_id", "conversation", "seq", "author", "content", "at", "key", "tags", *DELIVERY_FIELDS)
"""What is read of a document that was inserted."""
