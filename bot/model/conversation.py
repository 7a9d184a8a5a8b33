"""A chat and its entries."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from bot.model.base import Document, Value


class AuthorKind(StrEnum):
    CONTACT = "contact"
    TEAMMATE = "teammate"
    BOT = "bot"


class Author(Value):
    kind: AuthorKind
    id: str


class CardState(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    CLOSED = "closed"


class Card(Value):
    """The Subscription Opt-In Form. An empty button means "Sign Up Now" in the reader's language."""

    kind: Literal["card"] = "card"
    subscription: str
    title: str = Field(min_length=1, max_length=200)
    button: str = Field(default="", max_length=60)
    legal_text: str = Field(default="", max_length=2000)
    state: CardState = CardState.OPEN
    event: str | None = None
    """The consent event that it stands on (its `_id`): the one that completed it, then the one that confirmed it."""
    number: str | None = None
    """The number or address that it was completed with."""
    asked: bool = False
    """Completed, but the number has still to answer YES (double opt-in)."""


class Text(Value):
    kind: Literal["text"] = "text"
    text: str = Field(min_length=1, max_length=4000)


class Happening(Value):
    """An entry that says that something happened; clients draw `part` again when they see it."""

    kind: Literal["event"] = "event"
    name: Literal["signed_up", "asked"]
    part: int
    subscription: str


Content = Annotated[Text | Card | Happening, Field(discriminator="kind")]


class Part(Document):
    """One entry. `_id` is `<conversation>:<seq>`; sequences begin at 1 and have no gaps."""

    conversation: str
    seq: int
    author: Author
    content: Content
    at: datetime
    key: str
    """Idempotency key, `<conversation>:<the key of the request, or of the flow's effect>`."""
    follow_up: datetime | None = None
    """Since when the consequences of a completed card (text, entry, flow) are due; gone when they are done."""

    @property
    def preview(self) -> str:
        """How a list of conversations shows it; empty for what is no text."""
        return self.content.text[:120] if isinstance(self.content, Text) else ""


class Conversation(Document):
    """`last` and what goes with it are a projection of its parts: a page reads them, no rule depends on them."""

    contact: str
    channel: Literal["chat"] = "chat"
    last: int = 0
    """Sequence of the newest part."""
    preview: str = ""
    seen: int = 0
    """The newest part that the contact has seen."""
    created_at: datetime
    updated_at: datetime
