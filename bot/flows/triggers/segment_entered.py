"""Segment entered: a contact comes to match a segment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.flows.triggers.base import EntersSegment, Moment, TriggerBase


class SegmentEntered(TriggerBase):
    """Contacts who are in the segment when the flow goes live, or who match because its filter was edited, don't
    start it. A contact who leaves the segment and returns enters it again."""

    kind: Literal["segment_entered"] = "segment_entered"
    segment: str = Field(max_length=100)

    def starts(self, moment: Moment) -> bool:
        return isinstance(moment, EntersSegment) and moment.segment == self.segment
