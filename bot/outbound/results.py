"""Stores the results of texts (sent, waiting, blocked, failed), and pauses while the provider refuses the account."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from random import uniform
from typing import Any

from bot.aio.batching import Batcher
from bot.consent.stop_list import StopList
from bot.model.base import now
from bot.model.delivery import Delivery, DeliveryState
from bot.outbound.flood import LOOP_GUARD
from bot.outbound.gateways.base import Effect, GatewayError
from bot.outbound.provider_stops import stop_with_provider
from bot.outbound.threads import TextThreads
from bot.store import Store
from bot.store.delivery_queue import Result

log = logging.getLogger("sayso.outbound")

HALTED_FOR = timedelta(seconds=60)
"""Pause after the provider refused the account; then one text is sent as a test."""
MOST_ATTEMPTS = 12
"""With the pauses between them, they take about 90 minutes."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 1200.0
"""Seconds before a temporarily refused text is retried; doubled each time."""


class Results:
    """Results stored at the same time share a round trip."""

    def __init__(self, store: Store, threads: TextThreads, stops: StopList) -> None:
        self._settle: Batcher[Result, None] = Batcher(store.deliveries.settle, wait=0.02)
        self._threads = threads
        self._stops = stops
        self.halted = ""
        """Why the provider refuses every text at the moment; empty: it doesn't."""
        self.halted_until: datetime | None = None

    async def store(self, delivery: Delivery, state: DeliveryState, *, was_kept: bool = False, **values: Any) -> None:
        """If the result can't be stored now, the text stays claimed or handed over. `was_kept`: as in `Result`."""
        await self._settle(Result(delivery.id, delivery.worker or "", state, values, was_kept))
        await self._threads.tell(delivery)

    async def block(self, delivery: Delivery, reason: str, checked_at: datetime, *, was_kept: bool = False) -> None:
        level = logging.WARNING if reason == LOOP_GUARD else logging.INFO
        log.log(level, "text not sent: %s", reason, extra={"delivery": delivery.id})
        values = {"reason": reason, "checked_at": checked_at}
        await self.store(delivery, DeliveryState.BLOCKED, was_kept=was_kept, **values)

    async def refused(self, delivery: Delivery, error: GatewayError, values: dict[str, Any]) -> None:
        """A permanent refusal fails the text; a temporary one requeues it. `values`: what is stored besides."""
        if error.effect is Effect.HALT:
            self._halt(error.code)
            await self.wait_for_account(delivery, values)
            return
        if error.effect is Effect.OPTED_OUT:
            await stop_with_provider(self._stops, delivery)
        elif error.effect is Effect.ALARM:
            log.error("the SMS provider refuses texts: %s", error.code, extra={"delivery": delivery.id})
        attempts = delivery.attempts + 1
        values |= {"reason": error.code, "attempts": attempts, **({"code": error.number} if error.number else {})}
        if error.permanent or attempts >= MOST_ATTEMPTS:
            await self.store(delivery, DeliveryState.FAILED, **values)
        else:
            due_at = _next_try(attempts, error.retry_after)
            await self.store(delivery, DeliveryState.QUEUED, **values, due_at=due_at)

    async def wait_for_account(self, delivery: Delivery, values: dict[str, Any], *, was_kept: bool = False) -> None:
        """It doesn't count as an attempt."""
        waits: dict[str, Any] = {"reason": self.halted, "due_at": self.halted_until}
        await self.store(delivery, DeliveryState.QUEUED, was_kept=was_kept, **values, **waits)

    def is_resting(self) -> bool:
        return bool(self.halted) and self.halted_until is not None and now() < self.halted_until

    def _halt(self, reason: str) -> None:
        self.halted_until = now() + HALTED_FOR
        if reason != self.halted:
            log.error("no texts are sent: the SMS provider refuses the account: %s", reason)
        self.halted = reason


def _next_try(attempts: int, retry_after: float | None) -> datetime:
    """With jitter, so that texts refused together are not retried together."""
    pause = min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE) * uniform(1.0, 1.25)  # noqa: S311 (no secret)
    return now() + timedelta(seconds=max(pause, retry_after or 0.0))
