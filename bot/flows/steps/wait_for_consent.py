"""Wait for consent: the run pauses until the contact's consent to a subscription becomes one of these states."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from bot.flows.steps.base import Answers, ConsentChanged, Event, Outcome, StepBase, TimeCame
from bot.model.contact import ConsentState
from bot.model.flow import Wait


class WaitForConsent(StepBase):
    """`seconds`: the run continues after this time at the latest. Changes before the step don't count."""

    waits_for: ClassVar[tuple[Wait, ...]] = (Wait.CONSENT, Wait.TIME)

    kind: Literal["wait_for_consent"] = "wait_for_consent"
    subscription: str
    states: tuple[ConsentState, ...] = Field(default=(ConsentState.OPTED_IN,), min_length=1)
    seconds: int = Field(ge=1, le=90 * 86400)

    def enter(self, event: Event, answers: Answers) -> Outcome:
        return Outcome(waits=self.waits_for, until=event.at + timedelta(seconds=self.seconds))

    def resume(self, event: Event, answers: Answers) -> Outcome | None:
        match event:
            case ConsentChanged(subscription=self.subscription, state=state) if state in self.states:
                return Outcome()
            case TimeCame():
                return Outcome()
        return None
