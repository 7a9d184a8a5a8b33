"""Hands texts to the provider: marked first, handed over second, the result stored third; at most once (law 8)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot.aio.batching import Batcher
from bot.errors import StoreUnavailable
from bot.model.base import now
from bot.model.delivery import THROUGHPUT, DeliveryState
from bot.outbound.facts import FactReader
from bot.outbound.gateways.base import Gateway, GatewayError, NoAnswer, Outgoing
from bot.outbound.handover import (
    CAP_RACE,
    CHANGED,
    CLAIM_EXPIRED,
    JUDGE_AGAIN,
    Handover,
    LateChecks,
    after_race,
)
from bot.outbound.in_hand import Send
from bot.outbound.kinds import KINDS
from bot.outbound.reconciler import provider_id
from bot.outbound.results import Results
from bot.outbound.threads import TextThreads
from bot.outbound.throughput import Throughput
from bot.store import Store

log = logging.getLogger("sayso.outbound")

ASK_AFTER = timedelta(seconds=60)
"""When the provider is asked about a text that it did not acknowledge."""
AT_PROVIDER = 64
"""Texts at the provider at the same time."""
NEXT = 64
"""Texts that are marked and checked meanwhile: about one round. A killed process leaves at most so many and
`AT_PROVIDER` marked, about which the provider is asked."""
LOOKING = 8
"""Texts that take the last look before one at the provider is answered: about as many as are answered meanwhile."""
JUDGED_FOR = timedelta(seconds=1)
"""How long a judgment holds while a text waits for its turn to be handed over."""


class Dispatcher:
    def __init__(
        self,
        store: Store,
        gateway: Gateway,
        threads: TextThreads,
        results: Results,
        facts: FactReader,
        throughput: Throughput,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._threads = threads
        self._results = results
        self._late = LateChecks(facts, clock)
        self._throughput = throughput
        self._clock = clock
        self._mark: Batcher[Handover, tuple[str, datetime]] = Batcher(self._mark_round, wait=0.01)
        self._last_look: Batcher[tuple[Handover, datetime], str] = Batcher(self._late.last_refusals)
        self._turns = asyncio.Semaphore(AT_PROVIDER + NEXT)
        self._looks = asyncio.Semaphore(AT_PROVIDER + LOOKING)
        self._slots = asyncio.Semaphore(AT_PROVIDER)
        self.given = 0
        """Texts that the provider answered so far."""

    async def send(self, text: Handover, *, is_shown: bool) -> None:
        """`is_shown`: there is a conversation that has to show it."""
        if self._gateway.delivers_on_commit and not text.is_marketing:
            text = await self._shown(text) if is_shown else text
            store = await self._given(text, {**text.values, "handed_at": now()})
        else:
            async with self._turns:
                store = self._not_now(text) or await self._handed_over(text, is_shown=is_shown)
        await store()

    async def _shown(self, text: Handover) -> Handover:
        delivery = await self._threads.show(text.delivery, text.values["body"])
        return replace(text, delivery=delivery, values={**text.values, "part": delivery.part})

    def _is_stale(self, text: Handover) -> bool:
        """Whether it waited too long to be handed over. The next round then judges it again (law 7)."""
        return self._is_quiet(text) or now() - text.values["checked_at"] > JUDGED_FOR

    def _is_quiet(self, text: Handover) -> bool:
        return text.quiet_from is not None and text.quiet_from <= self._clock()

    def _not_now(self, text: Handover) -> Send | None:
        """How it is stored that it waits for the account or another judgment."""
        if self._results.is_resting():
            return partial(self._results.wait_for_account, text.delivery, {})
        if self._is_stale(text):
            return partial(self._results.store, text.delivery, DeliveryState.QUEUED, due_at=now())
        return None

    async def _handed_over(self, text: Handover, *, is_shown: bool) -> Send:
        """The result to store. The next text doesn't wait for it."""
        if until := await self._wait_until(text):
            return partial(self._results.store, text.delivery, DeliveryState.QUEUED, reason=THROUGHPUT, due_at=until)
        text = await self._shown(text) if is_shown else text
        reason, marked_at = await self._mark(text)
        if kept := self._kept(text, reason):
            return kept
        is_given = False
        try:
            async with self._looks:
                if kept := await self._kept_in_its_turn(text, marked_at):
                    return kept
                must_wait = self._slots.locked()
                async with self._slots:
                    if must_wait and (kept := await self._kept_in_its_turn(text, marked_at)):
                        return kept
                    is_given = True
                    return await self._given(text, {})
        except (StoreUnavailable, asyncio.CancelledError):
            if not is_given:
                with suppress(StoreUnavailable):
                    await self._results.store(text.delivery, DeliveryState.QUEUED, due_at=now(), was_kept=True)
            raise

    async def _wait_until(self, text: Handover) -> datetime | None:
        """If its sender has reached its rate. The simulator has none."""
        return None if self._gateway.delivers_on_commit else await self._throughput.wait_until(text)

    async def _kept_in_its_turn(self, text: Handover, marked_at: datetime) -> Send | None:
        """As `_kept`, asked when nothing but the request is left to do. A text that was marked long ago isn't sent: if
        this process was suspended meanwhile, another one may have asked the provider and sent it (law 8)."""
        if self._results.is_resting():
            return partial(self._results.wait_for_account, text.delivery, {}, was_kept=True)
        reason = await self._last_look((text, marked_at))
        if reason == CHANGED:
            reason = await self._late.refusal(text)
        return self._kept(text, JUDGE_AGAIN if now() - marked_at > ASK_AFTER / 2 else reason)

    def _kept(self, text: Handover, reason: str) -> Send | None:
        """How it is stored that a marked text isn't sent for this reason; None: it is."""
        if reason == CLAIM_EXPIRED:
            return _nothing
        waits = partial(self._results.store, text.delivery, DeliveryState.QUEUED, was_kept=True)
        if reason == JUDGE_AGAIN or (not reason and self._is_quiet(text)):
            return partial(waits, due_at=now())
        if reason == CAP_RACE:
            return partial(waits, reason="cap", due_at=after_race())
        return partial(self._results.block, text.delivery, reason, now(), was_kept=True) if reason else None

    async def _mark_round(self, texts: list[Handover]) -> list[tuple[str, datetime]]:
        """Why each can't be sent after all (empty: it can), and when it was marked; the checks are newer."""
        marked_at = now()
        marked = await self._store.deliveries.hand_over(
            [(text.delivery, text.values) for text in texts], ask_at=marked_at + ASK_AFTER
        )
        mine = [text for text, is_mine in zip(texts, marked, strict=True) if is_mine]
        try:
            late = await self._late.refusals(mine)
        except StoreUnavailable:  # none of them has left
            late = {text.delivery.id: JUDGE_AGAIN for text in mine}
        return [(late.get(text.delivery.id, CLAIM_EXPIRED), marked_at) for text in texts]

    async def _given(self, text: Handover, values: dict[str, Any]) -> Send:
        """Sends it, and returns how its result is stored. `values`: what is stored besides."""
        delivery = text.delivery
        outgoing = Outgoing(delivery.id, delivery.number, text.body, text.sender, self._valid_for(text))
        try:
            id = await self._gateway.send(outgoing)
        except GatewayError as error:
            return partial(self._results.refused, delivery, error, values)
        except NoAnswer as error:
            log.warning("text has an unknown fate: %s", error, extra={"delivery": delivery.id})
        except Exception:
            log.exception("text has an unknown fate", extra={"delivery": delivery.id})
        else:
            self._results.halted = ""
            return partial(self._results.store, delivery, DeliveryState.SENT, **{**values, **provider_id(delivery, id)})
        finally:
            self.given += 1
        return _nothing

    def _valid_for(self, text: Handover) -> timedelta | None:
        """The provider must not deliver it in quiet hours."""
        own = KINDS[text.delivery.kind].valid_for(text.delivery)
        until_quiet = text.quiet_from - self._clock() if text.quiet_from else None
        return min(filter(None, (own, until_quiet)), default=None)


async def _nothing() -> None:
    """The reconciler or another worker handles it."""
