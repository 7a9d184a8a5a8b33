"""Who is in a segment that flows wait for: kept so that it is known who enters it."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document


class SegmentWatch(Document):
    """A segment that a live flow waits for. `_id` is the segment's."""

    filter: str
    """The filter whose members are known. If the segment's filter changes, the members are read again."""
    round: str
    """Of the members that count."""
    is_ready: bool = False
    """Everybody who was in it from the start is noted."""
    ended_at: datetime | None = None
    """No flow waits for it. The document expires later."""


class SegmentMember(Document):
    """A contact in a watched segment. `_id` is `<segment>:<round>:<contact>`, so that each entry is noted once."""

    segment: str
    round: str
    """Empty once they are forgotten."""
    contact: str
    entry: str = ""
    """Id of the entry, which names the flow's run. Empty for members from the start."""
    due: datetime | None = None
    """Set until their entry has been handled: when that is tried."""
    entries: int = 0
    """Since `counted_from`, for a day."""
    counted_from: datetime | None = None
    tries: int = 0
    """Those that failed."""
    is_expected: bool | None = None
    """A flow starts when they next visit the site."""
    left_at: datetime | None = None
    """They no longer match. The document expires later."""

    @classmethod
    def id_of(cls, watch: SegmentWatch, contact: str) -> str:
        return f"{watch.id}:{watch.round}:{contact}"
