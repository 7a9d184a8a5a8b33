"""Wait: the run pauses for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from bot.flows.steps.base import Answers, Event, Outcome, StepBase
from bot.model.flow import Wait


class WaitStep(StepBase):
    waits_for: ClassVar[tuple[Wait, ...]] = (Wait.TIME,)

    kind: Literal["wait"] = "wait"
    seconds: int = Field(ge=1, le=90 * 86400)

    def enter(self, event: Event, answers: Answers) -> Outcome:
        return Outcome(waits=self.waits_for, until=event.at + timedelta(seconds=self.seconds))
