"""Ask: the bot asks a question, waits for the contact's next message and keeps it as the answer."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from bot.flows.steps.base import Answered, Answers, Event, Outcome, StepBase, say
from bot.model.conversation import LONGEST_TEXT
from bot.model.flow import LONGEST_ANSWER, Wait


class Ask(StepBase):
    waits_for: ClassVar[tuple[Wait, ...]] = (Wait.ANSWER,)

    kind: Literal["ask"] = "ask"
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)

    def enter(self, event: Event, answers: Answers) -> Outcome:
        return Outcome(say(self.text, answers), self.waits_for)

    def resume(self, event: Event, answers: Answers) -> Outcome | None:
        return Outcome(answer=event.text.strip()[:LONGEST_ANSWER]) if isinstance(event, Answered) else None
