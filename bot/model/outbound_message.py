"""A message to an audience, by text or in the chat, as a teammate writes it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from bot.model.base import Document, Value, now
from bot.model.conversation import Card, Channel
from bot.model.filter import Filter

MessageText = Annotated[str, Field(max_length=1200)]
"""Leaves room for the opt-out text within what a provider accepts."""


class ChatTerms(Value):
    """What only a chat message has."""

    card: Card | None = None
    """The opt-in form below the text."""
    at_once: bool = False
    """It goes to those who are online now; otherwise it waits until somebody opens the page."""
    visitors: bool = False
    """Shown in new chats of anonymous visitors, too."""
    asks_opted_out: bool = False
    """People who opted out of the form's subscription get it, too."""
    ends_at: datetime | None = None


class PauseCause(StrEnum):
    OPT_OUTS = "opt_outs"
    FAILURES = "failures"
    FILTERED = "filtered"
    """By the carrier, as spam or against its rules (30007)."""


class AutomaticPause(Value):
    """Why a message stopped by itself: `count` of `of` texts, more than `most` percent."""

    cause: PauseCause
    count: int
    of: int
    most: float
    at: datetime
    resumed_at: datetime | None = None
    """When a teammate resumed it anyway. The cause doesn't stop it again."""
    resumed_by: str = ""


class OutboundMessage(Document):
    """A draft until it is ordered; from then on it never changes. A job with the same id sends a text, and its state is
    the message's. A chat message is shown while it is running.

    A contact gets it in their language if there is a text in it, else in the `language` of the message.
    """

    name: str = Field(min_length=1, max_length=120)
    subscription: str = ""
    """Missing in a new draft."""
    filter: Filter = Filter()
    """Who, besides being allowed to get texts of the subscription."""
    segment: str = ""
    """The segment that the filter is taken from when the message is ordered, if any."""
    language: str = "en"
    texts: dict[str, MessageText] = Field(default_factory=dict)
    """By locale."""
    counts_clicks: bool = False
    """Links are replaced by short ones of our own, which count who opened them."""
    version: int = 1
    """Counts its changes: two teammates don't overwrite each other."""
    by: str
    by_name: str
    """Who changed it last."""
    created_at: datetime
    updated_at: datetime
    ordered_at: datetime | None = None
    send_at: datetime | None = None
    """None: at once."""
    local_at: str = Field(default="", pattern=r"^(\d{4}-\d\d-\d\dT\d\d:\d\d)?$")
    """Instead of `send_at`: the time on each recipient's own clock at which they get it."""
    is_deleted: bool = False
    """A draft that was removed: nobody sees it."""
    is_starting: bool | None = None
    """Ordered, and its job is not started yet."""
    pauses: tuple[AutomaticPause, ...] = ()
    chat: ChatTerms | None = None
    """None: it is a text."""
    is_running: bool | None = None
    """A chat message that is shown to those who match."""
    ended_at: datetime | None = None
    """When a teammate ended a chat message."""

    @property
    def is_draft(self) -> bool:
        return self.ordered_at is None

    @property
    def open_pauses(self) -> list[AutomaticPause]:
        return [pause for pause in self.pauses if pause.resumed_at is None]

    @property
    def is_ended(self) -> bool:
        ends_at = self.chat.ends_at if self.chat else None
        return self.ended_at is not None or (ends_at is not None and ends_at <= now())

    @property
    def channel(self) -> Channel:
        return Channel.SMS if self.chat is None else Channel.CHAT

    @property
    def offered(self) -> str:
        """The subscription that a text belongs to, or that a chat message's form offers; may be empty."""
        if self.chat is None:
            return self.subscription
        return self.chat.card.subscription if self.chat.card else ""

    def text(self, locale: str) -> str:
        return self.texts.get(locale) or self.texts.get(self.language, "")

    def language_for(self, locale: str) -> str:
        return locale if self.texts.get(locale) else self.language

    def stored(self) -> dict[str, Any]:
        """The filter as text: names of its fields stay free to change."""
        return {**super().stored(), "filter": self.filter.as_text()}

    @classmethod
    def load(cls, raw: dict[str, Any]) -> OutboundMessage:
        return cls.model_validate({**raw, "filter": Filter.from_text(raw["filter"])})
