"""Hand over: the conversation moves to the inbox, perhaps to a teammate, and the run is over."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from bot.flows.effects import HandOver
from bot.flows.steps.base import Outcome, StepBase, Translations, Turn
from bot.model.conversation import LONGEST_TEXT


class HandOverStep(StepBase):
    """`text`: what the bot says before; empty: nothing. `assignee`: a teammate's id; empty: unassigned."""

    is_end: ClassVar[bool] = True

    kind: Literal["hand_over"] = "hand_over"
    text: str = Field(default="", max_length=LONGEST_TEXT)
    translations: Translations = Field(default_factory=dict)
    assignee: str = Field(default="", max_length=40)

    def enter(self, turn: Turn) -> Outcome:
        return Outcome((*turn.say(self.text, self.translations), HandOver(self.assignee)), ends=True)
