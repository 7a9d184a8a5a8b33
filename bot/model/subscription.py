"""What a person can opt in to."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from pydantic import Field

from bot.model.base import Document
from bot.model.event import Grade
from bot.model.form_words import FormWords

WRITTEN = frozenset({Grade.WRITTEN_SHOWN, Grade.KEYWORD, Grade.WRITTEN_ELSEWHERE, Grade.PAPER})
"""Evidence in writing, as 47 CFR 64.1200(f)(9) wants it for marketing."""


class MessageType(StrEnum):
    SMS = "sms"
    EMAIL = "email"


class ConsentType(StrEnum):
    OPT_IN = "opt_in"
    OPT_OUT = "opt_out"


class Purpose(StrEnum):
    """What its messages are for; the law asks for more where they sell something (47 CFR 64.1200(f)(9), (f)(13))."""

    MARKETING = "marketing"
    INFORMATIONAL = "informational"


class CapPeriod(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def length(self) -> timedelta:
        """They roll: a week is the last seven days."""
        return {CapPeriod.DAY: timedelta(days=1), CapPeriod.WEEK: timedelta(days=7)}.get(self, timedelta(days=30))


class SubscriptionState(StrEnum):
    DRAFT = "draft"
    LIVE = "live"
    ARCHIVED = "archived"


class Translation(FormWords):
    """What subscribers read. An empty `confirmation` means the standard text."""

    name: str = Field(min_length=1, max_length=120)
    description: str = Field(default="", max_length=1000)
    confirmation: str = Field(default="", max_length=640)


class Subscription(Document, FormWords):
    """Message type, consent type and purpose never change once it is saved (law 9).

    Its form words are what a new form for it begins with; an empty legal text means the standard one.

    `version` counts its changes, starting at 1; the log of its `SubscriptionVersion`s has them.
    """

    name: str = Field(min_length=1, max_length=120)
    description: str = Field(default="", max_length=1000)
    message_type: MessageType
    consent_type: ConsentType
    purpose: Purpose = Purpose.MARKETING
    """Subscriptions from before purposes existed count as marketing, which asks for more."""
    state: SubscriptionState = SubscriptionState.DRAFT
    version: int = 1
    double_opt_in: bool = False
    """Whether a yes counts only after the number replied YES to a text (SMS and opt-in only)."""
    written_only: bool = False
    """Whether it is sent only on consent in writing (opt-in only)."""
    cap: int | None = Field(default=None, ge=1, le=100)
    """At most so many of its marketing texts to one number in `cap_period`, besides the limits of the law."""
    cap_period: CapPeriod = CapPeriod.WEEK
    confirmation: str = Field(default="", max_length=640)
    """The text after a sign-up, in the workspace's own words; empty: the standard one."""
    language: str = "en"
    """The locale of the default wording."""
    translations: dict[str, Translation] = Field(default_factory=dict)
    """By locale; missing ones use the default wording."""
    created_at: datetime
    updated_at: datetime

    @property
    def is_live(self) -> bool:
        return self.state is SubscriptionState.LIVE

    @property
    def sends_on(self) -> frozenset[Grade]:
        """The evidence of a grant that is enough to send. Marketing is not sent on consent that was only heard."""
        if self.written_only:
            return WRITTEN
        every = frozenset(Grade)
        return every - {Grade.ORAL_ATTESTED} if self.purpose is Purpose.MARKETING else every

    def words(self, locale: str) -> Translation:
        """The wording in `locale`, else the default one."""
        return self.translations.get(locale) or _words(self.name, self.description, self.confirmation)

    def language_of(self, locale: str) -> str:
        """The language of `words(locale)`."""
        return locale if locale in self.translations else self.language

    def stored(self) -> dict[str, Any]:
        """Includes the key that keeps names unique among subscriptions that are not archived, ignoring case and
        spaces."""
        raw = super().stored()
        if self.state is not SubscriptionState.ARCHIVED:
            raw["name_key"] = name_key(self.name)
        return raw


@lru_cache(maxsize=1024)
def _words(name: str, description: str, confirmation: str) -> Translation:
    return Translation(name=name, description=description, confirmation=confirmation)


def name_key(name: str) -> str:
    return " ".join(name.casefold().split())


class SubscriptionVersion(Document):
    """One change of a subscription, kept forever: who, when, and the subscription afterwards.

    `_id` is `<subscription>:<version>`; the previous entry has the state before.
    """

    subscription: str
    seq: int
    """The version that the change made."""
    act: str = Field(pattern="^(created|edited|put_live|archived|restored)$")
    by: str
    """The teammate's id."""
    by_name: str
    """The name at that time."""
    at: datetime
    after: Subscription
    key: str
