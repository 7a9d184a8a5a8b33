"""A preview in words: how many contacts have which result, and a few of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.contacts.bulk_rules import BulkOutcome
from bot.contacts.finder import ContactCount
from bot.contacts.selected import BulkPreview
from bot.i18n import Translator
from widget.contacts.bulk_acts import BulkAct
from widget.inbox.details import name_of

CHANGES = frozenset({BulkOutcome.CHANGED, BulkOutcome.ASKED})


@dataclass(frozen=True, slots=True)
class OutcomeView:
    label: str
    number: str
    is_change: bool
    people: tuple[tuple[str, str], ...]
    """Id and name of a few."""


@dataclass(frozen=True, slots=True)
class PreviewView:
    outcomes: tuple[OutcomeView, ...]
    sample: str
    """The size of the sample; empty: everyone was looked at."""
    has_changes: bool
    """Among those who were looked at."""

    @property
    def can_start(self) -> bool:
        """Whether anybody may change."""
        return self.has_changes or bool(self.sample)


def preview_view(act: BulkAct[Any], found: BulkPreview, say: Translator) -> PreviewView:
    outcomes = [
        OutcomeView(
            say(act.intents.get(BulkOutcome(outcome), label)),
            say.number(found.counts[outcome]),
            outcome in CHANGES,
            tuple((contact.id, name_of(contact, say)) for contact in found.samples.get(outcome, ())),
        )
        for outcome, label in act.kind.outcomes.items()
        if found.counts.get(outcome)
    ]
    return PreviewView(
        tuple(outcomes),
        say.number(found.seen) if found.is_sample else "",
        any(outcome.is_change for outcome in outcomes),
    )


def count_words(count: ContactCount, say: Translator) -> str:
    number = say.number(count.number)
    if count.is_exact:
        return say("Selected: %(number)s", number=number)
    return say("Selected: about %(number)s", number=number)
