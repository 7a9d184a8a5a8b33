"""End: the run is over."""

from __future__ import annotations

from typing import Literal

from bot.flows.steps.base import Answers, Event, Outcome, StepBase


class End(StepBase):
    kind: Literal["end"] = "end"

    def enter(self, event: Event, answers: Answers) -> Outcome:
        return Outcome(ends=True)
