"""A text to an audience, as a teammate writes it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from bot.model.base import Document
from bot.model.filter import Filter

MessageText = Annotated[str, Field(max_length=1200)]
"""Leaves room for the opt-out text within what a provider accepts."""


class OutboundMessage(Document):
    """A draft until it is ordered; from then on it never changes. A job with the same id sends it, and its state is the
    message's.

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
    is_deleted: bool = False
    """A draft that nobody sees any more."""
    is_starting: bool | None = None
    """Ordered, and its job is not started yet."""

    @property
    def is_draft(self) -> bool:
        return self.ordered_at is None

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
