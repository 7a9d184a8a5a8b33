"""Limits the number of texts to one phone: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.model.delivery import Delivery, DeliveryKind
from bot.outbound.kinds import KINDS, TextLimit, names

LOOP_GUARD = "loop_guard"
"""The refusal code for a phone that keeps texting: it gets no more automatic replies."""


@dataclass(frozen=True, slots=True)
class Bound:
    """At most `most` texts `within` a time, of kinds with this limit."""

    limit: TextLimit
    most: int
    within: timedelta
    reason: str

    def since(self, time: datetime) -> datetime:
        return time - self.within

    @property
    def kinds(self) -> list[DeliveryKind]:
        return names(self.limit)


BOUNDS = {
    # Providers require protection against flooding: somebody repeatedly enters another person's number into forms.
    "flood_short": Bound(TextLimit.FLOOD, 3, timedelta(minutes=10), "too_many"),
    "flood_long": Bound(TextLimit.FLOOD, 5, timedelta(days=1), "too_many"),
    "flow_short": Bound(TextLimit.FLOW, 3, timedelta(minutes=10), "too_many"),
    "flow_long": Bound(TextLimit.FLOW, 5, timedelta(days=1), "too_many"),
    # Two machines that reply to each other.
    "loop": Bound(TextLimit.LOOP, 10, timedelta(hours=1), LOOP_GUARD),
    "talk": Bound(TextLimit.TALK, 30, timedelta(hours=1), LOOP_GUARD),
}


class Flood:
    """Counts the texts of one round, in addition to those sent before."""

    def __init__(self, before: Mapping[str, Mapping[str, int]]) -> None:
        """`before`: by number and bound."""
        self._sent = {number: dict(counts) for number, counts in before.items()}

    def refusal(self, delivery: Delivery) -> str | None:
        """Why this text exceeds a limit; None: it may be sent, and is counted."""
        counts = self._sent.setdefault(delivery.number, {})
        mine = {name: bound for name, bound in BOUNDS.items() if bound.limit is KINDS[delivery.kind].limit}
        for name, bound in mine.items():
            if counts.get(name, 0) >= bound.most:
                return bound.reason
        counts |= {name: counts.get(name, 0) + 1 for name in mine}
        return None
