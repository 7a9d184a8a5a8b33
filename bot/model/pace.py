"""What a person wishes about how many texts they get: a pause, or fewer. It is no consent: it only holds texts back."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from bot.model.base import Value


class Often(StrEnum):
    """At most one marketing text in that time."""

    WEEK = "week"
    MONTH = "month"

    @property
    def gap(self) -> timedelta:
        return timedelta(days=7 if self is Often.WEEK else 30)


class Pace(Value):
    """Without values: no wish."""

    paused_until: datetime | None = None
    at_most: Often | None = None

    def is_paused(self, at: datetime) -> bool:
        return self.paused_until is not None and at < self.paused_until

    def stricter(self, other: Pace) -> Pace:
        """Both wishes together."""
        until = max(filter(None, (self.paused_until, other.paused_until)), default=None)
        often = max(filter(None, (self.at_most, other.at_most)), key=lambda often: often.gap, default=None)
        return Pace(paused_until=until, at_most=often)


NO_PACE = Pace()
