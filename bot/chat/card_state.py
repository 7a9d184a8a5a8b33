"""The state of a card for one person, and why they can't sign up: pure."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from bot.consent.choices import can_answer_again
from bot.consent.numbers import address_of, saved_number
from bot.consent.permission import is_weak
from bot.i18n import Translator
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.conversation import Card, CardState
from bot.model.event import Source
from bot.model.subscription import MessageType, Subscription
from bot.model.workspace import Workspace


class CardViewState(StrEnum):
    OPEN = "open"
    SAVED = "saved"
    PENDING = "pending"
    COMPLETED = "completed"
    ALREADY = "already"
    LAPSED = "lapsed"
    """The number did not reply YES in time, or declined."""
    WITHDRAWN = "withdrawn"
    """The person signed up and is out now; or their number opted out of all texts."""
    CLOSED = "closed"


OFFERED = {CardViewState.OPEN, CardViewState.SAVED, CardViewState.LAPSED, CardViewState.WITHDRAWN}
"""States in which a card can be submitted, unless `_why_not` gives a reason."""
AGREED = {CardViewState.PENDING, CardViewState.COMPLETED, CardViewState.ALREADY}
"""States of a card whose person agreed."""


def state_and_reason(
    card: Card,
    part: str,
    contact: Contact,
    subscription: Subscription | None,
    workspace: Workspace,
    stopped: Collection[str],
    say: Translator,
) -> tuple[CardViewState, str]:
    """The state, and why the person can't sign up; empty: they can, or the state says why."""
    state, consent = _state(card, part, contact, subscription), contact.consent(card.subscription)
    if state in AGREED and consent and consent.number in stopped:
        return CardViewState.WITHDRAWN, start_words(workspace, say)
    channel = subscription.message_type if subscription else MessageType.SMS
    saved = address_of(contact, channel)
    reason = _why_not(saved, channel, workspace, stopped, say) if state in OFFERED and saved else ""
    if reason and state is CardViewState.SAVED:
        state = CardViewState.WITHDRAWN if saved in stopped else CardViewState.CLOSED
    return state, reason


def again_after(card: Card, contact: Contact, subscription: Subscription | None) -> str:
    """See `CardView.again`."""
    consent = contact.consent(card.subscription)
    if card.state is not CardState.COMPLETED or consent is None or subscription is None or not subscription.is_live:
        return ""
    return consent.event if can_answer_again(consent, contact, subscription) else ""


def _state(card: Card, part: str, contact: Contact, subscription: Subscription | None) -> CardViewState:
    consent = contact.consent(card.subscription)
    state = consent.state if consent else None
    if card.state is CardState.COMPLETED:
        return _since(card, contact, subscription)
    if consent and consent.part == part and state in {ConsentState.OPTED_IN, ConsentState.PENDING}:
        return _since(card, contact, subscription)  # the answer is recorded, the card does not know it yet
    if card.state is CardState.CLOSED or subscription is None or not subscription.is_live:
        return CardViewState.CLOSED
    saved = address_of(contact, subscription.message_type)
    if consent and saved and not can_answer_again(consent, contact, subscription):
        return CardViewState.ALREADY if consent.state is ConsentState.OPTED_IN else CardViewState.PENDING
    return CardViewState.SAVED if saved else CardViewState.OPEN


def _since(card: Card, contact: Contact, subscription: Subscription | None) -> CardViewState:
    """The state of a card that was answered. Without a consent the contact was read before the answer."""
    consent = contact.consent(card.subscription)
    is_live = subscription is not None and subscription.is_live
    if consent is None and not card.stopped:
        return CardViewState.PENDING if card.asked else CardViewState.COMPLETED
    if consent is None:
        return CardViewState.OPEN if is_live else CardViewState.CLOSED
    if consent.state in {ConsentState.OPTED_IN, ConsentState.PENDING}:
        if subscription and is_live and can_answer_again(consent, contact, subscription):
            return CardViewState.SAVED if address_of(contact, subscription.message_type) else CardViewState.OPEN
        return CardViewState.COMPLETED if consent.state is ConsentState.OPTED_IN else CardViewState.PENDING
    if consent.source is Source.FORM:  # to give another number: they took a request back, or theirs is on the stop list
        return CardViewState.OPEN if is_live else CardViewState.CLOSED
    return CardViewState.LAPSED if card.asked else CardViewState.WITHDRAWN


def is_over(consent: Consent) -> bool:
    return consent.state in {ConsentState.OPTED_OUT, ConsentState.NONE}


def _why_not(saved: str, channel: MessageType, workspace: Workspace, stopped: Collection[str], say: Translator) -> str:
    """Why a locked number can't sign up: a button would only lead to an error that the person can't fix."""
    number = saved_number(saved) if channel is MessageType.SMS else None
    if number is None:
        return ""
    if saved in stopped:
        return start_words(workspace, say)
    if number.region not in workspace.texted:
        return say("We don't text numbers in %(country)s yet.", country=say.country_in_sentence(number.region))
    return ""


def start_words(workspace: Workspace, say: Translator) -> str:
    """How to lift a STOP."""
    if workspace.texts_from:
        return say(
            "This number has opted out of all texts. To sign up again, text START from this number to %(number)s.",
            number=f"\u2066{workspace.texts_from}\u2069",  # keeps the order of digits in right-to-left text
        )
    return say("This number has opted out of all texts. To sign up again, reply START to any of our texts.")


def notice_of(
    state: CardViewState, consent: Consent | None, subscription: Subscription | None, say: Translator
) -> str | None:
    if state is CardViewState.SAVED and consent and subscription and not is_over(consent):
        if is_weak(subscription, consent):
            return say("We need your written consent before we send anything. Sign up here to give it.")
        return (
            say("Your saved number has changed since you signed up. Sign up again to get texts at this number.")
            if subscription.message_type is MessageType.SMS
            else say("Your saved address has changed since you signed up. Sign up again to get emails at this address.")
        )
    if state is CardViewState.WITHDRAWN:
        return say("You're unsubscribed. You can sign up again here.")
    if state is CardViewState.LAPSED:
        is_canceled = consent is not None and consent.source is not Source.SYSTEM
        return (
            say("This was canceled before you confirmed. You can sign up again here.")
            if is_canceled
            else say("Your number wasn't confirmed. You can try again here.")
        )
    return None
