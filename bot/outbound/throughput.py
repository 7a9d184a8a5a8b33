"""Keeps the rate of each sender. Marketing texts beyond it wait in our queue rather than in the provider's, where no
STOP, pause or quiet hour reaches them."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from datetime import UTC, datetime, timedelta
from random import uniform

from bot.aio.batching import Batcher
from bot.model.base import now
from bot.outbound.handover import Handover
from bot.outbound.senders import rated_sender
from bot.store import Store

LONGEST_WAIT = timedelta(minutes=10)
"""A text asks for its turn again at the latest then, in case its sender's rate was raised."""
ASKED_FOR_EACH = 2
"""How many texts ask for each turn. More than one, as some may have been canceled; few, as each is judged again."""
_Sender = tuple[str, float]
"""The sender and its texts a second."""


class Throughput:
    """`default`: the default sender, empty if the provider chooses, and its texts a second; 0: no limit."""

    def __init__(self, store: Store, default: _Sender) -> None:
        self._store = store
        self._default = default
        self._ask: Batcher[_Sender, datetime | None] = Batcher(self._ask_round, wait=0.01)
        self._last: defaultdict[_Sender, datetime] = defaultdict(lambda: datetime.min.replace(tzinfo=UTC))
        """Until when the texts that wait are spread."""

    async def wait_until(self, text: Handover) -> datetime | None:
        """When to ask again; None: the text may leave now, and is counted."""
        if not text.is_marketing:
            return None
        name, rate = rated_sender(text.delivery.number, text.facts.workspace.senders, self._default)
        return await self._ask((name, rate)) if rate else None

    async def _ask_round(self, wanted: list[_Sender]) -> list[datetime | None]:
        """One update for each sender, however many texts it has."""
        counts = Counter(wanted)
        times = await asyncio.gather(*(self._times(sender, count) for sender, count in counts.items()))
        its = dict(zip(counts, times, strict=True))
        return [its[sender].popleft() for sender in wanted]

    async def _times(self, sender: _Sender, count: int) -> deque[datetime | None]:
        """For each of so many texts, in order."""
        name, rate = sender
        time = now()
        pace = await self._store.sender_paces.take(name, time, rate, count)
        free_at = datetime.fromtimestamp(pace.free_at / 1000, UTC)
        latest = time + LONGEST_WAIT * uniform(0.5, 1)  # noqa: S311 (no secret)
        found: deque[datetime | None] = deque([None] * pace.granted)
        for _ in range(count - pace.granted):
            self._last[sender] = min(
                latest, max(free_at, self._last[sender]) + timedelta(seconds=1 / (ASKED_FOR_EACH * rate))
            )
            found.append(self._last[sender])
        return found
