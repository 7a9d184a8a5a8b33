"""Say: the bot writes a message."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.flows.steps.base import Answers, Event, Outcome, StepBase, say
from bot.model.conversation import LONGEST_TEXT


class Say(StepBase):
    kind: Literal["say"] = "say"
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)

    def enter(self, event: Event, answers: Answers) -> Outcome:
        return Outcome(say(self.text, answers))
