"""Ask: the bot asks a question, waits for the contact's next message and keeps it as the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from bot.consent.numbers import read_email, read_number
from bot.errors import Invalid
from bot.errors import marked as _
from bot.flows.effects import Effect, KeepAnswer, SetAttribute
from bot.flows.steps.base import (
    Answered,
    Outcome,
    Seconds,
    StepBase,
    StepId,
    TimeCame,
    Translations,
    Turn,
    Words,
    after,
    means,
)
from bot.i18n import translator
from bot.model.attribute import LARGEST
from bot.model.base import Value
from bot.model.conversation import LONGEST_LABEL, LONGEST_TEXT, QuickReply
from bot.model.flow import LONGEST_ANSWER, Wait

if TYPE_CHECKING:
    from bot.flows.steps import Steps

LONGEST_NAME = 200


class AskChoice(Value):
    """A quick reply and the steps that follow it."""

    model_config = ConfigDict(extra="forbid")

    id: StepId
    label: str = Field(min_length=1, max_length=LONGEST_LABEL)
    translations: dict[str, str] = Field(default_factory=dict, max_length=50)
    steps: Steps = ()

    def is_meant(self, text: str) -> bool:
        return means(text, (self.label, *self.translations.values()))


@dataclass(frozen=True, slots=True)
class Usable:
    """An answer that the step can use."""

    said: str
    effects: tuple[Effect, ...] = ()
    branch: str = ""


class Ask(StepBase):
    """`answer` is what must be answered: one of the `choices`, any text, or a name, an email address, a phone number or
    a number. Name, email and phone are kept on the contact unless one is saved. `attribute` keeps any answer in a
    custom attribute.

    An answer that can't be used is asked for again with `retry`. After `tries` of them the run continues in the branch
    `otherwise`, and without an answer in `seconds` in `no_answer`.
    """

    waits_for: ClassVar[tuple[Wait, ...]] = (Wait.ANSWER,)
    always_waits: ClassVar[bool] = True

    kind: Literal["ask"] = "ask"
    text: Words
    translations: Translations = Field(default_factory=dict)
    answer: Literal["text", "choice", "name", "email", "phone", "number"] = "text"
    choices: tuple[AskChoice, ...] = Field(default=(), max_length=10)
    attribute: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,39})?$")
    retry: str = Field(default="", max_length=LONGEST_TEXT)
    retry_translations: Translations = Field(default_factory=dict)
    tries: int = Field(default=3, ge=1, le=10)
    otherwise: Steps = ()
    seconds: Seconds | None = None
    no_answer: Steps = ()

    @model_validator(mode="after")
    def _has_its_choices(self) -> Self:
        if (self.answer == "choice") is not bool(self.choices):
            raise ValueError(_('Use "choices" together with "answer": "choice".'))
        if len({choice.id for choice in self.choices}) < len(self.choices):
            raise ValueError(_("Give each choice a unique ID."))
        return self

    def enter(self, turn: Turn) -> Outcome:
        until = after(turn, self.seconds)
        waits = (Wait.ANSWER, *([Wait.TIME] if until else []))
        return Outcome(turn.say(self.text, self.translations, self._replies(turn)), waits, until)

    def resume(self, turn: Turn) -> Outcome | None:
        match turn.event:
            case Answered(text=text):
                return self._answered(turn, text.strip()[:LONGEST_ANSWER])
            case TimeCame() if self.seconds:
                return Outcome(branch="no_answer")
        return None

    def branches(self) -> Mapping[str, Steps]:
        choices = {f"choice:{choice.id}": choice.steps for choice in self.choices}
        return {**choices, "otherwise": self.otherwise, "no_answer": self.no_answer}

    @property
    def is_translated(self) -> bool:
        labels = any(choice.translations for choice in self.choices)
        return bool(self.translations or self.retry_translations or labels)

    def _answered(self, turn: Turn, text: str) -> Outcome:
        try:
            usable = self._read(turn, text)
        except Invalid as why:
            if turn.tries + 1 >= self.tries:
                return Outcome(branch="otherwise", answer=text)
            return Outcome(self._again(turn, why), is_unusable=True)
        kept = (SetAttribute(self.attribute, usable.said),) if self.attribute else ()
        return Outcome((*usable.effects, *kept), answer=usable.said, branch=usable.branch)

    def _again(self, turn: Turn, why: Invalid) -> tuple[Effect, ...]:
        if self.retry:
            return turn.say(self.retry, self.retry_translations, self._replies(turn))
        return turn.say(translator(turn.locale or "en")(why.text, **why.values), None, self._replies(turn))

    def _replies(self, turn: Turn) -> tuple[QuickReply, ...] | None:
        return turn.replies((choice.label, choice.translations) for choice in self.choices)

    def _read(self, turn: Turn, text: str) -> Usable:
        """Raises Invalid."""
        match self.answer:
            case "choice":
                return self._chosen(text)
            case "email":
                email = read_email(text)
                return Usable(email, (KeepAnswer("email", email),))
            case "phone":
                number = read_number(text, turn.facts.region, turn.facts.countries)
                return Usable(number.national, (KeepAnswer("phone", number.e164),))
            case "name":
                if not any(c.isalpha() for c in text) or len(text) > LONGEST_NAME:
                    raise Invalid(_("Enter your name."))
                return Usable(text, (KeepAnswer("name", text),))
            case "number":
                return Usable(f"{_number(text):.15g}")
        return Usable(text)

    def _chosen(self, text: str) -> Usable:
        """By its label in any language or by its place, as people answer by text."""
        for place, choice in enumerate(self.choices, start=1):
            if choice.is_meant(text) or text == str(place):
                return Usable(choice.label, branch=f"choice:{choice.id}")
        raise Invalid(_("Choose one of these options."))


def _number(text: str) -> float:
    try:
        value = float(text.replace("_", "x").replace(",", "."))
    except ValueError:
        value = LARGEST
    if not abs(value) < LARGEST:
        raise Invalid(_("Enter a number like 12.5."))
    return value
