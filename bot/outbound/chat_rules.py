"""Who gets a chat message, and what it consists of: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bot.consent.choices import can_answer_again
from bot.consent.numbers import address_of
from bot.consent.placeholders import fill_variables
from bot.errors import marked as _
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import OUTBOUND, Content, Part, Text
from bot.model.event import Source
from bot.model.outbound_message import ChatTerms, OutboundMessage
from bot.model.subscription import MessageType, Subscription

ALREADY, PENDING, OPTED_OUT, STOPPED, NOT_LIVE = "already", "pending", "opted_out", "stopped", "subscription_not_live"
NOT_ASKED = {
    ALREADY: _("Already opted in"),
    PENDING: _("Waiting for confirmation"),
    OPTED_OUT: _("Opted out"),
    STOPPED: _("Texted STOP"),
    NOT_LIVE: _("Subscription isn't live"),
}
"""Why a contact of the audience doesn't get the message: its form has nothing to ask them."""


def refusal(
    terms: ChatTerms, contact: Contact, subscription: Subscription | None, stopped: Collection[str] = ()
) -> str:
    """Why the contact doesn't get the message; empty: they do. A message without a form is for everybody.

    `subscription`: of the form. `stopped`: those of the contact's numbers that opted out of all texts.
    """
    if terms.card is None:
        return ""
    if subscription is None or not subscription.is_live:
        return NOT_LIVE
    if subscription.message_type is MessageType.SMS and address_of(contact, MessageType.SMS) in stopped:
        return STOPPED
    consent = contact.consent(subscription.id)
    if consent is None or consent.state is ConsentState.NONE:
        return ""
    if consent.state is ConsentState.OPTED_OUT and consent.source is not Source.SYSTEM:
        return "" if terms.asks_opted_out else OPTED_OUT
    if can_answer_again(consent, contact, subscription):
        return ""
    return PENDING if consent.state is ConsentState.PENDING else ALREADY


def message_of(part: Part) -> str | None:
    """The outbound message that an entry of a chat belongs to, by its key (`contents`)."""
    return part.key.split(":")[-2] if part.author == OUTBOUND else None


def contents(message: OutboundMessage, locale: str, values: Mapping[str, str]) -> Sequence[tuple[str, Content]]:
    """Its entries, each with its key within the conversation. `values`: of variables."""
    text = fill_variables(message.text(locale), values).strip()
    said: list[tuple[str, Content]] = [(f"message:{message.id}:text", Text(text=text))] if text else []
    card = message.chat.card if message.chat else None
    if card:
        said.append((f"message:{message.id}:form", card.model_copy(update={"message": message.id})))
    return said
