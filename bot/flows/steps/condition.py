"""Condition: the run takes one of two branches, by what is known about the person at that moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from bot.flows.matching import Who
from bot.flows.steps.base import Outcome, StepBase, Turn

if TYPE_CHECKING:
    from bot.flows.steps import Steps


class Condition(StepBase):
    is_silent: ClassVar[bool] = True
    kind: Literal["condition"] = "condition"
    when: Who
    then: Steps = ()
    otherwise: Steps = ()

    def enter(self, turn: Turn) -> Outcome:
        return Outcome(branch="then" if turn.facts.matches(self.when, self.id) else "otherwise")

    def branches(self) -> Mapping[str, Steps]:
        return {"then": self.then, "otherwise": self.otherwise}
