"""A trigger: a document that people write, and the moments at which it starts a flow.

A new kind of trigger is one file here and one line in `bot/flows/triggers/__init__.py`. Everything here is pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.flows.kind import KindBase
from bot.model.contact import ConsentState


@dataclass(frozen=True, slots=True)
class MessengerOpens:
    """A visitor opens the messenger, or a new chat in it. `page`: the address of the page around it."""

    page: str = ""
    is_returning: bool = False


@dataclass(frozen=True, slots=True)
class StaysOnPage:
    """A visitor has been on this page for so long, with the chat closed."""

    page: str
    seconds: int


@dataclass(frozen=True, slots=True)
class MessageComes:
    """The contact writes a message that no flow waits for. `by_text`: by SMS."""

    text: str
    by_text: bool = False


@dataclass(frozen=True, slots=True)
class ConsentComes:
    """The contact's consent to a subscription changed."""

    subscription: str
    state: ConsentState


@dataclass(frozen=True, slots=True)
class EntersSegment:
    """A contact comes to match a segment."""

    segment: str


@dataclass(frozen=True, slots=True)
class KeywordTexted:
    """Someone texts the keyword of a program."""

    keyword: str


Moment = MessengerOpens | StaysOnPage | MessageComes | ConsentComes | EntersSegment | KeywordTexted


class TriggerBase(KindBase):
    """A trigger as people write it."""

    def starts(self, moment: Moment) -> bool:
        """Whether the flow starts at this moment."""
        raise NotImplementedError
