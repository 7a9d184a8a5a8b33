"""A step: a document that people write, and its behavior when a run enters or resumes it.

A new kind of step is one file here and one line in `bot/flows/steps/__init__.py`. Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from bot.consent.placeholders import fill_variables, variables_in
from bot.flows.effects import Effect, Write
from bot.flows.kind import KindBase
from bot.flows.matching import ATTRIBUTE, PERSONAL, StepFacts
from bot.flows.office_hours import OfficeHours
from bot.model.contact import ConsentState
from bot.model.conversation import LONGEST_LABEL, LONGEST_TEXT, QuickReply, Text
from bot.model.flow import Wait

if TYPE_CHECKING:
    from bot.flows.steps import Steps

StepId = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
FlowId = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
Seconds = Annotated[int, Field(ge=1, le=90 * 86400)]
Words = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
Translations = Annotated[dict[str, Words], Field(max_length=50)]
"""The same text in other languages, by locale."""
Answers = Mapping[str, str]
"""What the contact answered so far in this run, by the id of the step that asked."""
LONGEST_BY_TEXT = 1600
"""Characters that a provider takes."""


@dataclass(frozen=True, slots=True)
class Started:
    """The run begins."""

    at: datetime


@dataclass(frozen=True, slots=True)
class CardCompleted:
    """The waiting step's card is completed and its consent counts."""

    at: datetime


@dataclass(frozen=True, slots=True)
class CardPending:
    """The waiting step's card is completed, and the number must confirm it (double opt-in)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """The contact wrote a message, or chose a quick reply."""

    at: datetime
    text: str
    part: str = ""
    """Its entry in the conversation."""


@dataclass(frozen=True, slots=True)
class TimeCame:
    """The time that the waiting step named has come."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    """The contact's consent to a subscription changed, through any source."""

    at: datetime
    subscription: str
    state: ConsentState


Event = Started | CardCompleted | CardPending | Answered | TimeCame | ConsentChanged
"""What a run reacts to."""
WAIT_OF: dict[type[Event], Wait] = {
    CardCompleted: Wait.PART,
    CardPending: Wait.PART,
    Answered: Wait.ANSWER,
    TimeCame: Wait.TIME,
    ConsentChanged: Wait.CONSENT,
}


class FactsNeeded(Exception):
    """A step asked about the person, and the transition was made without facts."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a step sees."""

    event: Event
    answers: Answers
    locale: str | None = None
    """The language of the run's texts."""
    tries: int = 0
    """Answers that the waiting step could not use."""
    known: StepFacts | None = None
    by_text: bool = False
    """The run talks by SMS."""

    @property
    def at(self) -> datetime:
        return self.event.at

    @property
    def facts(self) -> StepFacts:
        """Raises FactsNeeded."""
        if self.known is None:
            raise FactsNeeded
        return self.known

    @property
    def hours(self) -> OfficeHours | None:
        return self.facts.hours

    def words(self, text: str, translations: Mapping[str, str]) -> str:
        """In the run's language, with its variables filled."""
        locale = self.locale or ""
        found = translations.get(locale) or translations.get(locale.partition("_")[0]) or text
        return fill_variables(found, self._values(found)).strip()

    def replies(self, labels: Iterable[tuple[str, Mapping[str, str]]]) -> tuple[QuickReply, ...] | None:
        """Quick replies with these labels and their translations. One without a label is left out."""
        shown = [as_label(self.words(text, translations)) for text, translations in labels]
        return tuple(QuickReply(label=label) for label in shown if label) or None

    def say(
        self, text: str, translations: Mapping[str, str] | None = None, replies: tuple[QuickReply, ...] | None = None
    ) -> tuple[Effect, ...]:
        """A message. `{{step}}` becomes the answer to that step, or the fallback of `{{step|fallback}}`.

        A text that is empty afterwards is not written. By SMS, quick replies become numbered lines.
        """
        filled = self.words(text, translations or {})
        if not filled:
            return ()
        if self.by_text:
            return (Write(Text(text=_numbered(filled, replies))),)
        return (Write(Text(text=filled[:LONGEST_TEXT], replies=replies)),)

    def _values(self, text: str) -> Mapping[str, str]:
        names = {name for name in variables_in(text) if name not in self.answers and is_personal(name)}
        return {**{name: self.facts.value(name) for name in names}, **self.answers} if names else self.answers


def _numbered(text: str, replies: tuple[QuickReply, ...] | None) -> str:
    lines = [f"{place} {reply.label}" for place, reply in enumerate(replies or (), start=1)]
    room = LONGEST_BY_TEXT - sum(len(line) + 1 for line in lines)
    return "\n".join([text[:room], *lines])


def as_label(text: str) -> str:
    """As a quick reply shows it, and sends it."""
    return text.strip()[:LONGEST_LABEL].strip()


def means(text: str, labels: Iterable[str]) -> bool:
    """Whether an answer is one of these labels."""
    said = text.strip().casefold()
    return bool(said) and said in {as_label(label).casefold() for label in labels}


def is_personal(name: str) -> bool:
    return name in PERSONAL or name.startswith(ATTRIBUTE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a step. Without `waits` and `ends` the run continues: in the branch of this name or at the step
    `goes_to`, else with the step that follows."""

    effects: tuple[Effect, ...] = ()
    waits: tuple[Wait, ...] = ()
    until: datetime | None = None
    ends: bool = False
    answer: str | None = None
    """Kept under the step's id, for the texts of later steps."""
    branch: str = ""
    goes_to: str = ""
    is_unusable: bool = False
    """The answer can't be used, and the step keeps waiting."""


class StepBase(KindBase):
    """A step as people write it."""

    waits_for: ClassVar[tuple[Wait, ...]] = ()
    always_waits: ClassVar[bool] = False
    """Whether every run waits at this step. A loop needs at least one such step."""
    is_end: ClassVar[bool] = False
    """Whether every run ends at this step."""
    is_silent: ClassVar[bool] = False
    """It writes nothing into the conversation, so nobody has to be there."""
    id: StepId

    def enter(self, turn: Turn) -> Outcome:
        """Called when a run reaches this step, in the transition that `turn.event` caused."""
        raise NotImplementedError

    def resume(self, turn: Turn) -> Outcome | None:
        """Called when `turn.event` comes while a run waits here. None: the run keeps waiting."""
        return Outcome() if WAIT_OF.get(type(turn.event)) in self.waits_for else None

    def branches(self) -> Mapping[str, Steps]:
        """The steps of each outcome. Behind a branch the run continues behind this step."""
        return {}

    @property
    def is_translated(self) -> bool:
        return bool(getattr(self, "translations", None))


def after(turn: Turn, seconds: int | None) -> datetime | None:
    return turn.at + timedelta(seconds=seconds) if seconds else None
