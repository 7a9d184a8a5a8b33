"""The file of an export that runs as a job, kept in pieces."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document


class ExportPiece(Document):
    """`_id` is `<job>:<seq>`. Written once: whoever repeats its batch continues where it ends."""

    data: bytes
    read: int
    """Contacts that were read for it."""
    last: str | None = None
    """The id of the last one; None: it ends the file."""
    at: datetime

    @staticmethod
    def id_of(job: str, seq: int) -> str:
        return f"{job}:{seq:08d}"
