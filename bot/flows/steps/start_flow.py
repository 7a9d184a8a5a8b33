"""Start flow: another flow takes this conversation over, in its published version."""

from __future__ import annotations

from typing import ClassVar, Literal

from bot.flows.effects import StartFlow
from bot.flows.steps.base import FlowId, Outcome, StepBase, Turn


class StartFlowStep(StepBase):
    is_end: ClassVar[bool] = True

    kind: Literal["start_flow"] = "start_flow"
    flow: FlowId

    def enter(self, turn: Turn) -> Outcome:
        return Outcome((StartFlow(self.flow),), ends=True)
