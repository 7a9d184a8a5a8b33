"""How the queue of texts is doing, for operators: size, age, rate by sender, and texts without a known result."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.model.base import now
from bot.model.workspace import Workspace
from bot.outbound.senders import sender_for
from bot.store import Store

LOOKED_AT = 10_000
"""Number of texts that are counted by sender."""
MINUTES = 5
"""Period over which the rate is measured."""


@dataclass(frozen=True, slots=True)
class QueueFigures:
    waiting: int
    """Also those for later: quiet hours, caps, retries."""
    due: int
    """Of these, texts that could leave now."""
    oldest: timedelta
    """How long the first of them has been due."""
    due_by_sender: Mapping[str, int]
    """Among the `LOOKED_AT` that are due longest; without a name: the default sender."""
    without_turn: Mapping[str, int]
    """By sender, texts that wait because it has reached its rate; `LOOKED_AT` at most."""
    per_minute: Mapping[str, float]
    """Handed over, by sender."""
    unacknowledged: int
    unknown_today: int
    """Texts of the last 24 hours whose result nobody knows."""
    at: datetime


class QueueReader:
    def __init__(self, store: Store, workspace: Callable[[], Awaitable[Workspace]]) -> None:
        self._deliveries = store.deliveries
        self._workspace = workspace

    async def read(self) -> QueueFigures:
        """Raises StoreUnavailable."""
        time = now()
        (waiting, due, since), (numbers, slowed), handed, unacknowledged, unknown, workspace = await asyncio.gather(
            self._deliveries.count_queue(),
            asyncio.gather(
                self._deliveries.due_numbers(limit=LOOKED_AT),
                self._deliveries.numbers_without_a_turn(limit=LOOKED_AT),
            ),
            self._deliveries.handed_over(time - timedelta(minutes=MINUTES)),
            self._deliveries.count_unacknowledged(),
            self._deliveries.count_unknown(time - timedelta(days=1)),
            self._workspace(),
        )
        return QueueFigures(
            waiting,
            due,
            time - since if since else timedelta(0),
            _by_sender(numbers, workspace),
            _by_sender(slowed, workspace),
            {sender: count / MINUTES for sender, count in handed.items()},
            unacknowledged,
            unknown,
            time,
        )


def _by_sender(numbers: Sequence[str], workspace: Workspace) -> Counter[str]:
    senders = (sender_for(number, workspace.senders) for number in numbers)
    return Counter(sender.sender if sender else "" for sender in senders)
