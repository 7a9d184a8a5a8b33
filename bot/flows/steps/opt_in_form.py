"""Opt-in form: the bot inserts a card and waits until it is completed and the consent counts."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from bot.flows.steps.base import Answers, Event, Outcome, StepBase, Write
from bot.model.conversation import Card
from bot.model.flow import Wait


class OptInForm(StepBase):
    waits_for: ClassVar[tuple[Wait, ...]] = (Wait.PART,)

    kind: Literal["opt_in_form"] = "opt_in_form"
    subscription: str
    title: str = Field(min_length=1, max_length=200)
    button: str = Field(default="", max_length=60)
    legal_text: str = Field(default="", max_length=2000)

    def enter(self, event: Event, answers: Answers) -> Outcome:
        card = Card(subscription=self.subscription, title=self.title, button=self.button, legal_text=self.legal_text)
        return Outcome((Write(card),), self.waits_for)
