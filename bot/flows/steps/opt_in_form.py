"""Opt-in form: the bot inserts a card and waits until it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from bot.consent.keywords import read
from bot.flows.effects import AcceptForm, Write
from bot.flows.steps.base import (
    Answered,
    CardCompleted,
    CardPending,
    Outcome,
    Seconds,
    StepBase,
    TimeCame,
    Translations,
    Turn,
    after,
    means,
)
from bot.model.conversation import LONGEST_LABEL, Card
from bot.model.flow import Wait
from bot.model.form_words import FORM_WORDS, MOST_VARIANTS, FormVariant, FormWords

if TYPE_CHECKING:
    from bot.flows.steps import Steps

WORDS = {*FORM_WORDS, "subscription", "locale", "translations"}


class OptInForm(StepBase):
    """The run continues in the branch `completed` when the consent counts.

    With steps in `pending`, it continues there when a number still has to confirm (double opt-in); else it keeps
    waiting for the confirmation. `dismiss` is the label of a quick reply below the form, like "No, thanks", which leads
    to the branch `dismissed`. By SMS, people are asked to reply YES; a NO leads to `dismissed`. Without an answer in
    `seconds`, it continues in the branch `no_answer`.
    """

    always_waits: ClassVar[bool] = True
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
    variants: tuple[FormVariant, ...] = Field(default=(), max_length=MOST_VARIANTS)
    """Other titles and buttons. Each person sees the same one each time, or the form's own words."""
    dismiss: str = Field(default="", max_length=LONGEST_LABEL)
    dismiss_translations: Translations = Field(default_factory=dict)
    seconds: Seconds | None = None
    completed: Steps = ()
    pending: Steps = ()
    dismissed: Steps = ()
    no_answer: Steps = ()

    def enter(self, turn: Turn) -> Outcome:
        if turn.by_text:
            return self._asked_by_text(turn)
        replies = turn.replies([(self.dismiss, self.dismiss_translations)] if self.dismiss else [])
        card = Card(**{name: getattr(self, name) for name in WORDS}, replies=replies, flow_step=self.id)
        until = after(turn, self.seconds)
        waits = (Wait.PART, *([Wait.ANSWER] if self.dismiss else []), *([Wait.TIME] if until else []))
        return Outcome((Write(card, self.variants),), waits, until)

    def _asked_by_text(self, turn: Turn) -> Outcome:
        """The form becomes a request to reply YES."""
        until = after(turn, self.seconds)
        waits = (Wait.PART, Wait.ANSWER, *([Wait.TIME] if until else []))
        card = Card(**{name: getattr(self, name) for name in WORDS}, flow_step=self.id)
        return Outcome((Write(card, self.variants),), waits, until)

    def _replied(self, turn: Turn, answer: Answered) -> Outcome | None:
        """To that request. The run continues when the consent is recorded; until then, it takes another answer."""
        meaning = read(answer.text).certain
        if meaning == "yes":
            until = after(turn, self.seconds)
            waits = (Wait.PART, Wait.ANSWER, *([Wait.TIME] if until else []))
            return Outcome((AcceptForm(answer.part),), waits, until)
        return Outcome(branch="dismissed") if meaning == "no" else None

    def resume(self, turn: Turn) -> Outcome | None:
        match turn.event:
            case CardCompleted():
                return Outcome(branch="completed")
            case CardPending():
                return Outcome(branch="pending") if self.pending else None
            case TimeCame() if self.seconds:
                return Outcome(branch="no_answer")
            case Answered() as answer if turn.by_text:
                return self._replied(turn, answer)
            case Answered(text=text) if means(text, (self.dismiss, *self.dismiss_translations.values())):
                return Outcome(branch="dismissed")
        return None

    def branches(self) -> Mapping[str, Steps]:
        return {
            "completed": self.completed,
            "pending": self.pending,
            "dismissed": self.dismissed,
            "no_answer": self.no_answer,
        }

    @property
    def is_translated(self) -> bool:
        """A card has all its translations in it; only the quick reply is written in one."""
        return bool(self.dismiss_translations)
