"""Opt-in form: the bot inserts a card and waits until it is completed and the consent counts."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from bot.flows.steps.base import Answers, Event, Outcome, StepBase, Write
from bot.model.conversation import Card
from bot.model.flow import Wait
from bot.model.form_words import FormWords


class OptInForm(StepBase):
    waits_for: ClassVar[tuple[Wait, ...]] = (Wait.PART,)

    kind: Literal["opt_in_form"] = "opt_in_form"
    subscription: str
    title: str = Field(min_length=1, max_length=200)
    button: str = Field(default="", max_length=60)
    legal_text: str = Field(default="", max_length=2000)
    box: str = Field(default="", max_length=500)
    """The text of a box that must be ticked; empty: there is none."""
    locale: str = "en"
    """The language of these words."""
    translations: dict[str, FormWords] = Field(default_factory=dict)
    """By locale. A visitor sees theirs if every text of the form exists in it."""

    def enter(self, event: Event, answers: Answers) -> Outcome:
        return Outcome((Write(Card(**self.model_dump(exclude={"id", "kind"}))),), self.waits_for)
