"""Say: the bot writes a message."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.flows.steps.base import Event, Outcome, StepBase, Write
from bot.model.conversation import Text


class Say(StepBase):
    kind: Literal["say"] = "say"
    text: str = Field(min_length=1, max_length=4000)

    def enter(self, event: Event) -> Outcome:
        return Outcome((Write(Text(text=self.text)),))
