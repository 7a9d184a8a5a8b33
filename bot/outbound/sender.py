"""Sends texts: claims them, judges them, and hands them over while the next ones are claimed."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from bot.aio.waiting import either
from bot.consent.stop_list import StopList
from bot.model.base import new_id, now
from bot.model.delivery import Delivery, DeliveryState
from bot.outbound.dispatcher import AT_PROVIDER, Dispatcher
from bot.outbound.facts import FactReader
from bot.outbound.flood import Flood
from bot.outbound.gateways.base import Gateway, GatewayError
from bot.outbound.in_hand import InHand, Send
from bot.outbound.judge import Block, Judge, Postpone
from bot.outbound.kinds import Facts
from bot.outbound.marketing_rules import MarketingRules
from bot.outbound.queue import CLAIMED_FOR, DeliveryQueue
from bot.outbound.reconciler import Reconciler
from bot.outbound.results import Results
from bot.outbound.threads import TextThreads
from bot.outbound.throughput import Throughput
from bot.store import Store

log = logging.getLogger("sayso.outbound")

AT_ONCE = 256
"""Texts that are claimed and judged together at most."""
IN_HAND = 2 * AT_PROVIDER
"""Texts that are claimed and judged and not yet sent, where they leave one by one: while `AT_PROVIDER` are handed over,
the next ones are claimed and judged."""
IN_HAND_QUICK = 2 * AT_ONCE
"""The same where they leave quickly: each round costs a dozen queries, and takes as long as 100 texts."""
QUICK_SECONDS, SLOW_SECONDS = 0.1, 0.5
"""Half of `IN_HAND` within this time is quick, and half of `IN_HAND_QUICK` in more than this time isn't."""
BATCH_SECONDS, BUSY_SECONDS = 0.05, 0.5
"""How long a text waits to be sent together with others; longer if the last round had `BUSY` texts. A round costs a
dozen queries, however large it is."""
BUSY = 8
POLL_SECONDS = 2.0
"""How often the database is polled for texts that other processes queued or left; while it has some, each round."""


class Sender:
    """Any number of senders can share one queue."""

    def __init__(
        self,
        store: Store,
        queue: DeliveryQueue,
        facts: FactReader,
        gateway: Gateway,
        threads: TextThreads,
        stops: StopList,
        *,
        default: tuple[str, float] = ("", 0.0),
    ) -> None:
        """`default`: as in `Throughput`."""
        self.clock: Callable[[], datetime] = now
        """What time it is for quiet hours and caps."""
        self._store = store
        self._queue = queue
        self._facts = facts
        self._gateway = gateway
        self._threads = threads
        self._judge = Judge(queue.links, lambda: self.clock())
        self.results = Results(store, threads, stops)
        throughput = Throughput(store, default)
        self._dispatcher = Dispatcher(store, gateway, threads, self.results, facts, throughput, lambda: self.clock())
        self._in_hand = InHand(self._look_later)
        self._later: list[Delivery] = []
        """Claimed, but to numbers that have texts in hand, which count: they are judged after those."""
        self._is_quick = False
        self._has_more = False
        """Whether the database may have more texts that are due."""
        self.reconcile = Reconciler(store, queue.links, gateway, threads).run

    async def work(self, stop: asyncio.Event) -> None:
        """Sends queued texts until stopped; what is in hand is finished."""
        try:
            with self._queue.sending():
                await self._work(stop)
            await self._start(await self._take(poll=False))
            await self._in_hand.fall_to(0)
        except asyncio.CancelledError:
            await self._in_hand.cancel()
            raise

    async def _work(self, stop: asyncio.Event) -> None:
        polled, wait = -POLL_SECONDS, BATCH_SECONDS
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            if self.results.is_resting():
                await either(stop, stop, POLL_SECONDS)
                continue
            self._queue.wake.clear()
            await asyncio.sleep(wait)
            await self._make_room()
            if is_poll := loop.time() - polled >= POLL_SECONDS:
                polled = loop.time()
                await self.reconcile()
            room = self._room
            taken = await self._take(poll=is_poll or self._has_more)
            await self._start(taken)
            if len(taken) < room:
                self._is_quick = False
            wait = 0.0 if len(taken) >= room else BUSY_SECONDS if len(taken) >= BUSY else BATCH_SECONDS
            if not taken:
                await either(self._queue.wake, stop, max(0.0, polled + POLL_SECONDS - loop.time()))

    async def send_some(self, *, poll: bool = True) -> int:
        """Sends some texts and returns how many it took. `poll`: including those queued in the database."""
        taken = await self._take(poll=poll)
        await self._in_hand.done(await self._start(taken))
        return len(taken)

    @property
    def _most(self) -> int:
        """In hand at once. While the provider refuses the account, one text tries it."""
        if self.results.halted:
            return 1
        if self._gateway.delivers_on_commit:
            return AT_ONCE
        return IN_HAND_QUICK if self._is_quick else IN_HAND

    @property
    def _room(self) -> int:
        return max(0, min(self._most - len(self._in_hand), AT_ONCE))

    async def _make_room(self) -> None:
        """Waits until half of the texts in hand have left. How long that takes tells how many there should be, if
        enough were handed over: those that go back to the queue leave at once."""
        if len(self._in_hand) <= self._most // 2:
            return
        loop = asyncio.get_running_loop()
        started, given = loop.time(), self._dispatcher.given
        await self._in_hand.fall_to(self._most // 2)
        if self._dispatcher.given - given >= self._most // 4:
            took = loop.time() - started
            self._is_quick = took < (SLOW_SECONDS if self._is_quick else QUICK_SECONDS)
        await self._in_hand.fall_to(self._most // 2)  # fewer now, if it became slow

    async def _take(self, *, poll: bool) -> list[Delivery]:
        """Texts that can be judged now, as many as there is room for."""
        most, time, later, self._later = self._room, now(), self._later, []
        taken = [delivery for delivery in later if delivery.due_at and delivery.due_at > time]
        taken += self._queue.take_ready(max(0, most - len(taken)))
        self._has_more = poll
        if poll and len(taken) < most:
            claimed = await self._store.deliveries.claim(new_id(), limit=most - len(taken), until=now() + CLAIMED_FOR)
            taken += claimed
            self._has_more = bool(claimed)
        self._later += [delivery for delivery in taken if delivery.number in self._in_hand]
        return await self._linked([delivery for delivery in taken if delivery.number not in self._in_hand])

    async def _linked(self, taken: Sequence[Delivery]) -> list[Delivery]:
        """Texts that version 0.1 queued have no link yet."""
        linked = [self._queue.links.added(delivery) for delivery in taken]
        for delivery, before in zip(linked, taken, strict=True):
            if delivery is not before and delivery.link:
                link = delivery.link.model_dump(exclude_none=True)
                await self._store.deliveries.update({"_id": delivery.id}, {"$set": {"link": link}})
        return linked

    async def _start(self, taken: Sequence[Delivery]) -> list[asyncio.Task[None]]:
        """Judges these and begins to send them."""
        if not taken:
            return []
        checked_at = now()
        (facts, flood, marketing), shown = await asyncio.gather(self._facts.of(taken), self._threads.of(taken))
        sends: defaultdict[str, list[Send]] = defaultdict(list)
        for delivery in taken:
            is_shown = delivery.id in shown
            send = self._judged(delivery, facts[delivery.id], flood, marketing, checked_at, is_shown=is_shown)
            sends[delivery.number].append(send)
        return [self._in_hand.add(number, some) for number, some in sends.items()]

    def _judged(
        self,
        delivery: Delivery,
        facts: Facts,
        flood: Flood,
        marketing: MarketingRules,
        checked_at: datetime,
        *,
        is_shown: bool,
    ) -> Send:
        """The task that sends, blocks or postpones it. `is_shown`: a conversation has to show it."""
        try:
            verdict = self._judge.of(delivery, facts, flood, marketing, checked_at)
        except Exception:  # it must not hold up the others
            log.exception("text could not be written", extra={"delivery": delivery.id})
            return partial(self.results.refused, delivery, GatewayError("internal_error", permanent=False), {})
        if isinstance(verdict, Block):
            return partial(self.results.block, delivery, verdict.reason, checked_at)
        if isinstance(verdict, Postpone):
            waits = {**verdict.values, "reason": verdict.reason, "due_at": verdict.until}
            return partial(self.results.store, delivery, DeliveryState.QUEUED, **waits)
        return partial(self._dispatcher.send, verdict, is_shown=is_shown)

    def _look_later(self) -> None:
        if self._later:
            self._queue.wake.set()
