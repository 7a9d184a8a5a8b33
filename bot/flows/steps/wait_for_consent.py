"""Wait for consent: the run pauses until the contact's consent to a subscription becomes one of these states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from bot.flows.steps.base import ConsentChanged, Outcome, Seconds, StepBase, TimeCame, Turn, after
from bot.model.contact import ConsentState
from bot.model.flow import Wait

if TYPE_CHECKING:
    from bot.flows.steps import Steps


class WaitForConsent(StepBase):
    """`seconds`: the run continues after this time at the latest, in the branch `no_answer`. Changes before the step
    don't count."""

    waits_for: ClassVar[tuple[Wait, ...]] = (Wait.CONSENT, Wait.TIME)
    always_waits: ClassVar[bool] = True
    is_silent: ClassVar[bool] = True

    kind: Literal["wait_for_consent"] = "wait_for_consent"
    subscription: str
    states: tuple[ConsentState, ...] = Field(default=(ConsentState.OPTED_IN,), min_length=1)
    seconds: Seconds
    changed: Steps = ()
    no_answer: Steps = ()

    def enter(self, turn: Turn) -> Outcome:
        return Outcome(waits=self.waits_for, until=after(turn, self.seconds))

    def resume(self, turn: Turn) -> Outcome | None:
        match turn.event:
            case ConsentChanged(subscription=self.subscription, state=state) if state in self.states:
                return Outcome(branch="changed")
            case TimeCame():
                return Outcome(branch="no_answer")
        return None

    def branches(self) -> Mapping[str, Steps]:
        return {"changed": self.changed, "no_answer": self.no_answer}
