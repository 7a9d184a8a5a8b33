"""The file of an export that runs as a job, kept in pieces."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from bot.model.base import Document, Value


class ExportLine(Value):
    contact: str
    data: bytes


class ExportPiece(Document):
    """`_id` is `<job>:<seq>`. Written once: a repeated batch continues where the piece ends. Lines about erased people
    are removed."""

    head: bytes = b""
    """What the file begins with."""
    lines: list[ExportLine] = Field(default_factory=list)
    read: int
    """Contacts that were read for it."""
    last: str | None = None
    """The id of the last one; None: it ends the file."""
    expires_at: datetime
    """The same for all pieces of a file."""

    @staticmethod
    def id_of(job: str, seq: int) -> str:
        return f"{job}:{seq:08d}"

    @property
    def data(self) -> bytes:
        return self.head + b"".join(line.data for line in self.lines)
