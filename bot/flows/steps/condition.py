"""Condition: the run takes one of two branches, by what is known about the person at that moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from bot.flows.matching import Who, matches
from bot.flows.steps.base import Outcome, StepBase, Turn

if TYPE_CHECKING:
    from bot.flows.steps import Steps


class Condition(StepBase):
    kind: Literal["condition"] = "condition"
    when: Who
    then: Steps = ()
    otherwise: Steps = ()

    def enter(self, turn: Turn) -> Outcome:
        return Outcome(branch="then" if matches(self.when, turn.facts) else "otherwise")

    def branches(self) -> Mapping[str, Steps]:
        return {"then": self.then, "otherwise": self.otherwise}
