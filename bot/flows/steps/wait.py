"""Wait: the run pauses for a while, or until the office opens."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from bot.errors import marked as _
from bot.flows.steps.base import Outcome, Seconds, StepBase, Turn, after
from bot.model.flow import Wait


class WaitStep(StepBase):
    """`seconds`, or `until` the office opens: within office hours the run continues at once."""

    waits_for: ClassVar[tuple[Wait, ...]] = (Wait.TIME,)
    is_silent: ClassVar[bool] = True

    kind: Literal["wait"] = "wait"
    seconds: Seconds | None = None
    until: Literal["office_hours"] | None = None

    @model_validator(mode="after")
    def _waits_for_one(self) -> Self:
        if (self.seconds is None) is (self.until is None):
            raise ValueError(_('Set either "seconds" or "until".'))
        return self

    def enter(self, turn: Turn) -> Outcome:
        if self.seconds:
            return Outcome(waits=self.waits_for, until=after(turn, self.seconds))
        opens = turn.hours.next_opening(turn.at) if turn.hours else turn.at
        return Outcome(waits=self.waits_for, until=opens) if opens > turn.at else Outcome()
