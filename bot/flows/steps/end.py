"""End: the run is over."""

from __future__ import annotations

from typing import ClassVar, Literal

from bot.flows.steps.base import Outcome, StepBase, Turn


class End(StepBase):
    is_end: ClassVar[bool] = True
    is_silent: ClassVar[bool] = True

    kind: Literal["end"] = "end"

    def enter(self, turn: Turn) -> Outcome:
        return Outcome(ends=True)
