"""The figures of an outbound message: how many copies are where, and what people did, over time.

They are counted from one index. A process counts a message at most once a second, and spends at most a twentieth of its
time on it, however many people look.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.model.delivery import DeliveryState
from bot.model.segment_price import MICROS
from bot.store import Store
from bot.store.delivery_figures import MOMENTS

log = logging.getLogger("sayso.outbound")

PAID = frozenset({DeliveryState.SENT, DeliveryState.UNKNOWN})
"""States of a text that left, or may have."""
FRESH_SECONDS = 1.0
FAILED_SECONDS = 30.0
"""How long at most a count that failed isn't tried again: the database may be back by then."""
SHARE = 20
MOST_KEPT = 100
STEPS = 40
"""Columns of a chart, about."""
WIDTHS = [
    timedelta(**width)
    for width in (
        {"seconds": 10}, {"minutes": 1}, {"minutes": 5}, {"minutes": 15}, {"hours": 1}, {"hours": 3}, {"hours": 6},
        {"hours": 12}, {"days": 1}, {"days": 7}, {"days": 28},
    )
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CopyResult:
    state: DeliveryState
    reason: str
    code: int | None


@dataclass(frozen=True, slots=True)
class Series:
    """Counts by step after `start`, in the order of `MOMENTS`. The steps without any are missing."""

    start: datetime
    step: timedelta
    sent: Mapping[int, int]
    delivered: Mapping[int, int]
    clicked: Mapping[int, int]
    replied: Mapping[int, int]
    opted_out: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class MessageFigures:
    results: Mapping[CopyResult, int]
    delivered: int = 0
    clicked: int = 0
    replied: int = 0
    opted_out: int = 0
    segments: int = 0
    cost: Decimal = Decimal(0)
    """Of the segments whose country had a price, in the workspace's currency."""
    unpriced: int = 0
    """The other segments."""
    series: Series | None = None
    """None: nothing left yet."""

    def count(self, *states: DeliveryState, reason: str | None = None) -> int:
        return sum(
            n for result, n in self.results.items() if result.state in states and reason in {None, result.reason}
        )

    @property
    def sent(self) -> int:
        return self.count(DeliveryState.SENT)

    @property
    def failed(self) -> int:
        return self.count(DeliveryState.FAILED)

    @property
    def filtered(self) -> int:
        """By the carrier (30007)."""
        return self.count(DeliveryState.FAILED, reason="filtered")


class _Counting:
    """One count, shared by all callers that arrive while it runs."""

    def __init__(self, task: asyncio.Task[MessageFigures]) -> None:
        self.task = task
        self._began = self._until = asyncio.get_running_loop().time()
        task.add_done_callback(self._done)

    @property
    def is_fresh(self) -> bool:
        return not self.task.done() or asyncio.get_running_loop().time() < self._until

    def _done(self, task: asyncio.Task[MessageFigures]) -> None:
        if task.cancelled():
            return
        time = asyncio.get_running_loop().time()
        wait = max(FRESH_SECONDS, (time - self._began) * SHARE)
        if error := task.exception():
            log.warning("the texts of a message couldn't be counted: %r", error)
            wait = min(wait, FAILED_SECONDS)
        self._until = time + wait


class Figures:
    def __init__(self, store: Store, *, delivers_when_sent: bool) -> None:
        """`delivers_when_sent`: a text that was sent has arrived, and nobody reports that."""
        self._deliveries = store.deliveries
        self._delivers_when_sent = delivers_when_sent
        self._kept: dict[str, _Counting] = {}

    async def of(self, message: str) -> MessageFigures:
        """Cached for a second, or longer if counting is slow."""
        kept = self._kept.pop(message, None)
        if kept is None or not kept.is_fresh:
            kept = _Counting(asyncio.create_task(self._count(message)))
        self._kept[message] = kept
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return await asyncio.shield(kept.task)

    async def _count(self, message: str) -> MessageFigures:
        found = await self._deliveries.results_of(message)
        results: Counter[CopyResult] = Counter()
        for raw in found:
            state = DeliveryState(raw["state"])
            results[CopyResult(state, raw.get("reason") or "", raw.get("code"))] += raw["n"]
        first = min((raw["first"] for raw in found if raw["first"]), default=None)
        last = max((raw["last"] for raw in found if raw["last"]), default=None)
        series = await self._series(message, first, last) if first and last else None
        delivered, clicked, replied, opted_out = (sum(raw[name] for raw in found) for name in MOMENTS[1:])
        if self._delivers_when_sent:
            delivered = sum(raw["n"] for raw in found if raw["state"] == DeliveryState.SENT)
        left = [raw for raw in found if raw["state"] in PAID]
        segments, micros, unpriced = (sum(raw[name] for raw in left) for name in ("segments", "cost", "unpriced"))
        cost = Decimal(micros) / MICROS
        return MessageFigures(results, delivered, clicked, replied, opted_out, segments, cost, unpriced, series)

    async def _series(self, message: str, first: datetime, last: datetime) -> Series:
        step = step_for(last - first)
        seconds = int(step.total_seconds())
        start = datetime.fromtimestamp(int(first.timestamp()) // seconds * seconds, first.tzinfo)
        found = await self._deliveries.over_time(message, start, step)
        if self._delivers_when_sent:
            found["delivered_at"] = found["handed_at"]
        return Series(start, step, *(found[name] for name in MOMENTS))


def step_for(range: timedelta) -> timedelta:
    """A round one, so that a chart has about `STEPS` columns at most."""
    return next((width for width in WIDTHS if range <= width * STEPS), WIDTHS[-1])
