"""Ask: the bot writes a question and waits for the contact's next message."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from bot.flows.steps.base import Event, Outcome, StepBase, Write
from bot.model.conversation import Text
from bot.model.flow import Wait


class Ask(StepBase):
    waits_for: ClassVar[tuple[Wait, ...]] = (Wait.ANSWER,)

    kind: Literal["ask"] = "ask"
    text: str = Field(min_length=1, max_length=4000)

    def enter(self, event: Event) -> Outcome:
        return Outcome((Write(Text(text=self.text)),), self.waits_for)
