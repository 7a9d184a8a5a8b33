"""Send SMS: the contact gets a text of a subscription, if they have opted in to it when the text is sent."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bot.flows.effects import SendSms
from bot.flows.steps.base import Outcome, StepBase, Turn

LONGEST_SMS = 1000
"""Characters, without the opt-out text."""
SmsText = Annotated[str, Field(min_length=1, max_length=LONGEST_SMS)]


class SendSmsStep(StepBase):
    """A link to the preference center and the opt-out text are added."""

    is_silent: ClassVar[bool] = True
    kind: Literal["send_sms"] = "send_sms"
    subscription: str
    text: SmsText
    translations: dict[str, SmsText] = Field(default_factory=dict, max_length=50)

    def enter(self, turn: Turn) -> Outcome:
        text = turn.words(self.text, self.translations)[:LONGEST_SMS]
        return Outcome((SendSms(self.subscription, text, turn.locale or "en"),) if text else ())
