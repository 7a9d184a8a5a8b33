"""A checkpoint: which events the ledger had at a time, signed and chained, so that a cut shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Self, TypeVar

import rfc8785
from pydantic import ValidationError

from bot.model.base import Document, Value, iso

FIRST_CHECKPOINT = "0" * 64
"""The `previous` of the first checkpoint."""
HEAD = "head"

D = TypeVar("D", bound=Document)


class LedgerNote(Value):
    """What was done to the ledger's projections, or noticed about the checkpoints themselves."""

    contact: str = ""
    """Empty: it is about the checkpoints."""
    text: str


class _Signed(Document):
    hash: str
    """SHA-256 over RFC 8785 canonical JSON of `sealed`, in lower hex."""
    key: str
    """Fingerprint of the key that signed it."""
    signature: str
    """HMAC-SHA256 of `hash`, in lower hex."""
    token: dict[str, Any] | None = None
    """Where the change stream of events continues. Not in the hash: with a wrong token, some events get no checkpoint,
    which `verify` reports."""

    signed_from: datetime | None = None
    """Events from this time on carry a signature. None: an earlier version made it."""

    def sealed(self) -> dict[str, Any]:
        raw = self.model_dump(by_alias=True, exclude_none=True, exclude={"hash", "signature", "token"})
        return {name: iso(value) if isinstance(value, datetime) else value for name, value in raw.items()}

    @property
    def is_edited(self) -> bool:
        return self.computed_hash() != self.hash

    def computed_hash(self) -> str:
        return sha256(rfc8785.dumps(self.sealed())).hexdigest()


class Checkpoint(_Signed):
    """`_id` is the number, ten digits."""

    number: int
    at: datetime
    since: datetime | None = None
    """Until when the checkpoints before it knew every event. None: it begins with the oldest ones."""
    first: str = ""
    last: str = ""
    """The public ids (ULIDs) between which its events lie, apart from those that are dated outside its time."""
    entries: tuple[str, ...] = ()
    """`<_id of the event> <hash>`, in the order in which they were committed."""
    notes: tuple[LedgerNote, ...] = ()
    previous: str
    """Hash of the checkpoint before it."""


class CheckpointHead(_Signed):
    """The newest checkpoint, and until when it is known that there is nothing else to cover. One document."""

    number: int
    newest: str
    """Hash of that checkpoint."""
    looked_at: datetime


def checkpoint_id(number: int) -> str:
    return f"{number:010d}"


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A checkpoint as it is stored. If it was edited, it may no longer be readable."""

    id: str
    number: int
    hash: str
    checkpoint: Checkpoint | None
    """None: it was edited."""

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        id = str(raw["_id"])
        number = int(id) if id.isdecimal() else 0
        checkpoint = readable(Checkpoint, raw)
        is_edited = checkpoint is None or checkpoint.number != number or checkpoint.is_edited
        return cls(id, number, str(raw.get("hash")), None if is_edited else checkpoint)


def readable(model: type[D], raw: Mapping[str, Any] | None) -> D | None:
    try:
        return model.load(dict(raw)) if raw else None
    except ValidationError:
        return None
