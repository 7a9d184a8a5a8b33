"""A round of the ledger: the changes that it attempts, and the events that it makes of them: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.consent.changes import ConsentChange
from bot.consent.next_event import next_event
from bot.consent.projection import apply
from bot.errors import NotFound, SaysoError
from bot.errors import marked as _
from bot.model.contact import Contact
from bot.model.event import ConsentEvent
from bot.model.stop import Stop


@dataclass(frozen=True, slots=True)
class Recorded:
    event: ConsentEvent
    is_new: bool
    """False: an earlier request with this key had recorded it."""
    after: Contact | None = None
    """The contact after a new one."""


Answers = dict[int, Recorded | SaysoError | None]
"""By the place of a change in the call."""


@dataclass(frozen=True, slots=True)
class AddedEvent:
    """An event to insert, the place of its change in the call, and the contact before and after it."""

    place: int
    before: Contact
    after: Contact
    event: ConsentEvent
    raw: dict[str, Any]

    @property
    def stores(self) -> bool:
        """Whether it stores the contact: it is their first act."""
        return self.event.seq == 1 and self.event.context.stores_contact


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """What the changes of a round are judged by."""

    at: datetime
    sign: Callable[[str], str]
    known: Mapping[str, ConsentEvent]
    """By key."""
    stops: Mapping[str, Stop]

    def judge(self, contact: Contact | None, change: ConsentChange) -> Recorded | SaysoError | None:
        """None: it makes a new event."""
        if contact is None:
            return NotFound(_("Contact not found."))
        if event := self.known.get(change.log_key):
            return Recorded(event, is_new=False)
        return change.refusal(contact, self.stops.get(change.number or ""), self.at)

    def event_of(self, contact: Contact, change: ConsentChange) -> tuple[ConsentEvent, dict[str, Any]]:
        stop = self.stops.get(change.number or "")
        return next_event(contact, change, self.at, self.sign, is_stopped=stop is not None and stop.holds)


def turns_of(changes: Sequence[ConsentChange], waiting: Iterable[int]) -> list[list[int]]:
    """By contact, what a round attempts. A change that was judged for the contact as they are is attempted alone."""
    turns: dict[str, list[int]] = {}
    for i in waiting:
        turns.setdefault(changes[i].contact, []).append(i)
    return [turn[: max(_unjudged(changes, turn), 1)] for turn in turns.values()]


def _unjudged(changes: Sequence[ConsentChange], turn: Sequence[int]) -> int:
    """How many come before the first judged one."""
    return next((place for place, i in enumerate(turn) if changes[i].judged), len(turn))


def events_of(
    changes: Sequence[ConsentChange],
    turn: Sequence[int],
    contact: Contact | None,
    facts: RoundFacts,
    answers: Answers,
) -> list[AddedEvent]:
    """The new events of a turn; adds to `answers` what makes none."""
    made: list[AddedEvent] = []
    for i in turn:
        change = changes[i]
        if any(entry.event.key == change.log_key for entry in made):
            break  # the same request again
        if answer := facts.judge(contact, change):
            answers[i] = answer
        elif contact:
            event, raw = facts.event_of(contact, change)
            made.append(AddedEvent(i, contact, apply(contact, event), event, raw))
            contact = made[-1].after
    return made
