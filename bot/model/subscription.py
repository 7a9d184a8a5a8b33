"""What a person can say yes to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from bot.model.base import Document, Value


class MessageType(StrEnum):
    SMS = "sms"
    EMAIL = "email"


class ConsentType(StrEnum):
    OPT_IN = "opt_in"
    OPT_OUT = "opt_out"


class SubscriptionState(StrEnum):
    DRAFT = "draft"
    LIVE = "live"
    ARCHIVED = "archived"


class Translation(Value):
    name: str
    description: str = ""


class Subscription(Document):
    """Message type and consent type never change once it is saved (law 9)."""

    name: str = Field(min_length=1, max_length=120)
    description: str = Field(default="", max_length=1000)
    message_type: MessageType
    consent_type: ConsentType
    state: SubscriptionState = SubscriptionState.DRAFT
    translations: dict[str, Translation] = Field(default_factory=dict)
    """By locale; what is missing there is said in the default words."""
    created_at: datetime
    updated_at: datetime

    @property
    def is_live(self) -> bool:
        return self.state is SubscriptionState.LIVE

    def words(self, locale: str) -> Translation:
        """Name and description in `locale`, else in the language it was written in."""
        return self.translations.get(locale) or Translation(name=self.name, description=self.description)
