"""Consent changed: the contact's consent to a subscription becomes one of these states, through any source."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.flows.triggers.base import ConsentComes, Moment, TriggerBase
from bot.model.contact import ConsentState


class ConsentTrigger(TriggerBase):
    """It starts in their newest chat, unless a flow waits there. To react later, let the flow begin with a wait and a
    condition."""

    kind: Literal["consent_changed"] = "consent_changed"
    subscription: str
    states: tuple[ConsentState, ...] = Field(min_length=1)

    def starts(self, moment: Moment) -> bool:
        match moment:
            case ConsentComes(subscription=self.subscription, state=state):
                return state in self.states
        return False
