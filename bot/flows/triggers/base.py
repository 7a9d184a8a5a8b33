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
class KeywordTexted:
    """Someone texts the keyword of a program."""

    keyword: str


Moment = MessengerOpens | MessageComes | ConsentComes | KeywordTexted


class TriggerBase(KindBase):
    """A trigger as people write it."""

    def starts(self, moment: Moment) -> bool:
        """Whether the flow starts at this moment."""
        raise NotImplementedError
