"""How far a contact came with a card, for teammates: pure. Never contains what was typed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.consent.numbers import address_of
from bot.errors import marked as _
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.conversation import Card, CardState, Conversation
from bot.model.event import Source
from bot.model.subscription import MessageType


class Step(StrEnum):
    """The furthest step."""

    SENT = "sent"
    DELIVERED = "delivered"
    SEEN = "seen"
    OPENED = "opened"
    TRIED = "tried"
    COMPLETED = "completed"
    PAUSED = "paused"
    """It can't be submitted while its subscription is archived."""
    WITHDRAWN = "withdrawn"


class Since(StrEnum):
    """The state after a submission."""

    UNCHANGED = ""
    WAITS = "waits"
    """Waits for the number's YES."""
    LAPSED = "lapsed"
    """No YES was received."""
    STOPPED = "stopped"
    """The number was on the stop list: they aren't signed up."""
    CANCELED = "canceled"
    """Withdrawn or declined before a YES."""
    TURNED_OFF = "turned_off"
    NUMBER_CHANGED = "moved"
    """The consent is for another number or address than they have now."""


WHY = {
    "empty": _("left empty"),
    "not_a_number": _("not a phone number"),
    "no_country": _("unknown country code"),
    "too_short": _("too short"),
    "too_long": _("too long"),
    "not_in_use": _("not in use"),
    "landline": _("a landline"),
    "premium": _("a number that can't receive texts"),
    "not_texted": _("in a country you don't text"),
    "saved_number_locked": _("not the saved number"),
    "too_many_sign_ups": _("too many sign-ups from their network"),
    "number_stopped": _("opted out with STOP"),
    "box_unticked": _("didn't check the box"),
}
"""Descriptions of errors by code."""


@dataclass(frozen=True, slots=True)
class Progress:
    step: Step
    seen: bool = False
    opened: bool = False
    tries: int = 0
    why: str = ""
    """The last error, a gettext id; empty if it has no description."""
    since: Since = Since.UNCHANGED

    @property
    def is_open(self) -> bool:
        """It can be withdrawn."""
        return self.step not in {Step.COMPLETED, Step.WITHDRAWN}


def card_progress(card: Card, part_seq: int, conversation: Conversation, contact: Contact, is_live: bool) -> Progress:
    """`is_live`: its subscription."""
    consent = contact.consent(card.subscription)
    answered_here = consent is not None and consent.part == f"{conversation.id}:{part_seq:010d}"
    done = card.state is CardState.COMPLETED or _said_yes(consent, answered_here)
    return Progress(
        step=_step(card, part_seq, conversation, done, is_live),
        seen=part_seq <= conversation.seen or card.opened_at is not None or card.tries > 0,
        opened=card.opened_at is not None or card.tries > 0,
        tries=card.tries,
        why=WHY.get(card.problem, ""),
        since=_since(card, consent, contact) if done else Since.UNCHANGED,
    )


def _said_yes(consent: Consent | None, answered_here: bool) -> bool:
    """The answer is recorded, but possibly not in the card yet."""
    if consent is None or not answered_here:
        return False
    return consent.state in {ConsentState.OPTED_IN, ConsentState.PENDING}


def _step(card: Card, seq: int, conversation: Conversation, done: bool, is_live: bool) -> Step:
    if done:
        return Step.COMPLETED
    if card.state is CardState.CLOSED:
        return Step.WITHDRAWN
    if not is_live:
        return Step.PAUSED
    if card.tries:
        return Step.TRIED
    if card.opened_at:
        return Step.OPENED
    if seq <= conversation.seen:
        return Step.SEEN
    return Step.DELIVERED if seq <= conversation.delivered else Step.SENT


def _since(card: Card, consent: Consent | None, contact: Contact) -> Since:
    """A contact that was read before their answer was recorded has no consent yet: the answer counts, or waits."""
    state = consent.state if consent else None
    if consent and consent.stopped:
        return Since.STOPPED
    if state is ConsentState.PENDING or (state is None and card.asked):
        return Since.WAITS
    if consent and state is ConsentState.OPTED_OUT:
        if not card.asked or consent.was is not ConsentState.PENDING:
            return Since.TURNED_OFF
        return Since.LAPSED if consent.source is Source.SYSTEM else Since.CANCELED
    if card.asked and consent and state is ConsentState.NONE:
        return Since.LAPSED if consent.source is Source.SYSTEM else Since.CANCELED
    is_moved = consent is not None and state is ConsentState.OPTED_IN and not _reaches(consent, contact)
    return Since.NUMBER_CHANGED if is_moved else Since.UNCHANGED


def _reaches(consent: Consent, contact: Contact) -> bool:
    channel, given = (MessageType.SMS, consent.number) if consent.number else (MessageType.EMAIL, consent.email)
    return given is None or given == address_of(contact, channel)
