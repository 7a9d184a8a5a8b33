"""Go to: the run continues at another step of the flow."""

from __future__ import annotations

from typing import ClassVar, Literal

from bot.flows.steps.base import Outcome, StepBase, StepId, Turn


class GoTo(StepBase):
    is_end: ClassVar[bool] = True
    is_silent: ClassVar[bool] = True

    kind: Literal["go_to"] = "go_to"
    step: StepId

    def enter(self, turn: Turn) -> Outcome:
        return Outcome(goes_to=self.step)
