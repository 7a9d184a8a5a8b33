"""Say: the bot writes a message."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.flows.steps.base import Outcome, StepBase, Translations, Turn, Words


class Say(StepBase):
    kind: Literal["say"] = "say"
    text: Words
    translations: Translations = Field(default_factory=dict)

    def enter(self, turn: Turn) -> Outcome:
        return Outcome(turn.say(self.text, self.translations))
