"""The effect of a recorded answer on its card and conversation: pure."""

from __future__ import annotations

from typing import Any

from bot.model.conversation import Author, AuthorKind, Card, CardState, OpeningEntry, Part
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.model.event import Action, ConsentEvent, Source


def counts(event: ConsentEvent) -> bool:
    """Whether the yes counts immediately. It doesn't while it waits for a confirmation, and never for a number on the
    stop list."""
    return event.action is not Action.REQUEST_CONFIRMATION and not event.stopped


def answers_card(event: ConsentEvent) -> bool:
    """Whether a card is completed by it: an answer in the card, a YES to it by text, or the YES that confirms one."""
    is_answer = event.source is Source.FORM and event.action is not Action.CANCEL
    is_yes = event.source is Source.KEYWORD and event.action is Action.OPT_IN
    return event.context.part is not None and (is_answer or is_yes or event.action is Action.CONFIRM)


def card_fields(event: ConsentEvent) -> dict[str, Any]:
    """The card after this event."""
    return {
        "state": CardState.COMPLETED,
        "event": event.id,
        "number": event.number or event.email,
        "asked": event.action is Action.REQUEST_CONFIRMATION and not event.stopped,
        "stopped": bool(event.stopped),
    }


def completed(card: Card, event: ConsentEvent) -> Card:
    """A card keeps its newest answer; a contact's event ids sort by sequence."""
    return card.model_copy(update=card_fields(event)) if (card.event or "") < event.id else card


def completed_part(part: Part, event: ConsentEvent) -> Part:
    """The same for the entry that holds the card."""
    card = part.content
    return part.model_copy(update={"content": completed(card, event)}) if isinstance(card, Card) else part


def place_of(event: ConsentEvent) -> tuple[str, int]:
    """Conversation and sequence of the card that it answers."""
    conversation, _, seq = (event.context.part or "").rpartition(":")
    return conversation, int(seq)


def entry_of(event: ConsentEvent) -> OpeningEntry:
    """The conversation's entry about the answer."""
    name = ConversationEventName.SIGNED_UP if counts(event) else ConversationEventName.ASKED
    if event.withheld and not counts(event):
        name = ConversationEventName.WITHHELD
    if event.stopped:
        name = ConversationEventName.STOPPED
    seq = place_of(event)[1]
    return OpeningEntry(
        author=Author(kind=AuthorKind.CONTACT, id=event.contact),
        content=ConversationEvent(name=name, part=seq, subscription=event.subscription or ""),
        at=event.at,
        key=f"{name}:{seq}" if _is_first(event) else f"{name}:{seq}:{event.event}",
    )


def card_key(part: str) -> str:
    """The idempotency key of a card's first answer."""
    return f"card:{part}"


def _is_first(event: ConsentEvent) -> bool:
    """False for a repeated sign-up on the same card: it gets its own entry."""
    is_answer = event.key.startswith(f"{event.contact}:card:")
    return not is_answer or event.key == f"{event.contact}:{card_key(event.context.part or '')}"
