"""Ephemeral signals in a conversation: typing, presence, what changed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from bot.model.base import Document
from bot.model.conversation import Author


class SignalKind(StrEnum):
    TYPING = "typing"
    HERE = "here"
    GONE = "gone"
    CARD = "card"
    """A card was opened, or submitted with an error: see its part."""
    TEXT = "text"
    """The state of a text changed: see its delivery."""
    DISMISSED = "dismissed"
    """The contact dismissed an outbound message."""


class Signal(Document):
    """An ephemeral signal in a conversation, deleted after a minute."""

    conversation: str
    """A conversation, or the topic of a flow or an outbound message that a teammate has open (`bot.chat.feed`)."""
    kind: SignalKind
    author: Author
    seq: int = 0
    """Of a card, or of an answer by text."""
    at: datetime
