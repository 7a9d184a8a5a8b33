"""Sends texts: recorded first, sent second, the result stored third; handed to the provider at most once (law 8)."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from random import uniform
from typing import Any

from bot.aio.batching import Batcher
from bot.aio.waiting import either
from bot.consent.stop_list import StopList
from bot.errors import StoreUnavailable
from bot.model.base import new_id, now
from bot.model.delivery import Delivery, DeliveryState
from bot.outbound.facts import FactReader
from bot.outbound.flood import LOOP_GUARD, Flood
from bot.outbound.gateways.base import Effect, Gateway, GatewayError, NoAnswer, Outgoing
from bot.outbound.handover import CAP_RACE, CLAIM_EXPIRED, Handover, LateChecks, after_race
from bot.outbound.kinds import KINDS, Facts
from bot.outbound.marketing_rules import Hold, MarketingRules
from bot.outbound.provider_stops import stop_with_provider
from bot.outbound.queue import CLAIMED_FOR, DeliveryQueue
from bot.outbound.reconciler import Reconciler, provider_id
from bot.outbound.senders import sender_for, sender_refusal
from bot.outbound.short_links import shortened
from bot.outbound.threads import TextThreads
from bot.store import Store
from bot.store.deliveries import PAUSED, Result

log = logging.getLogger("sayso.outbound")

AT_ONCE = 256
BATCH_SECONDS, BUSY_SECONDS = 0.05, 0.5
"""How long a text waits to be sent together with others; longer if the last round had `BUSY` texts. A round costs seven
queries, however large it is."""
BUSY = 8
POLL_SECONDS = 2.0
"""How often the database is polled for texts that other processes queued or left."""
ASK_AFTER = timedelta(seconds=60)
"""When the provider is asked about a text that it did not acknowledge."""
AT_PROVIDER = 64
"""Texts handed over at the same time; a killed process can leave this many unacknowledged."""
HALTED_FOR = timedelta(seconds=60)
"""Pause after the provider refused the account; then one text is sent as a test."""
JUDGED_FOR = timedelta(seconds=1)
"""How long a judgment holds while a text waits for its turn to be handed over."""
PAUSED_FOR = timedelta(hours=1)
"""When a copy of a paused message is looked at again, unless the message is resumed before."""
MOST_ATTEMPTS = 12
"""With these pauses, about an hour and a half."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 1200.0
"""Seconds before a temporarily refused text is retried; doubled each time."""


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
    ) -> None:
        self._store = store
        self._queue = queue
        self._facts = facts
        self._gateway = gateway
        self._threads = threads
        self._stops = stops
        self._links = queue.links
        self._late = LateChecks(stops, facts, lambda: self.clock())
        self._settle: Batcher[Result, None] = Batcher(store.deliveries.settle)
        self._hand_over: Batcher[Handover, str] = Batcher(self._hand_over_round)
        self._slots = asyncio.Semaphore(AT_PROVIDER)
        self._halted_until: datetime | None = None
        self.clock: Callable[[], datetime] = now
        """What time it is for quiet hours and caps."""
        self.halted = ""
        """Why the provider refuses every text at the moment; empty: it doesn't."""
        self.reconcile = Reconciler(store, queue.links, gateway, threads).run

    async def work(self, stop: asyncio.Event) -> None:
        """Sends queued texts until stopped; a started round is finished."""
        polled, wait = -POLL_SECONDS, BATCH_SECONDS
        loop = asyncio.get_running_loop()
        with self._queue.sending():
            while not stop.is_set():
                if self._is_resting():
                    await either(stop, stop, POLL_SECONDS)
                    continue
                self._queue.wake.clear()
                await asyncio.sleep(wait)
                is_poll = loop.time() - polled >= POLL_SECONDS
                if is_poll:
                    polled = loop.time()
                    await self.reconcile()
                sent = await self.send_some(poll=is_poll)
                wait = _wait_after(sent)
                if not sent:
                    await either(self._queue.wake, stop, POLL_SECONDS)
        await self.send_some(poll=False)

    async def send_some(self, *, poll: bool = True) -> int:
        """Sends up to AT_ONCE texts and returns how many it took. `poll`: including those queued in the database."""
        most = 1 if self.halted else AT_ONCE
        taken = self._queue.take_ready(most)
        if poll and len(taken) < most:
            until = now() + CLAIMED_FOR
            taken += await self._store.deliveries.claim(new_id(), limit=most - len(taken), until=until)
        if not taken:
            return 0
        taken = await self._linked(taken)
        checked_at = now()
        (facts, flood, marketing), shown = await asyncio.gather(self._facts.of(taken), self._threads.of(taken))
        sends: defaultdict[str, list[Callable[[], Awaitable[None]]]] = defaultdict(list)
        for delivery in taken:
            try:
                judge = partial(self._judge, delivery, facts[delivery.id], flood, marketing, checked_at)
                work = judge(is_shown=delivery.id in shown)
            except Exception:  # it must not hold up the others
                log.exception("text could not be written", extra={"delivery": delivery.id})
                work = partial(self._refused, delivery, GatewayError("internal_error", permanent=False), {})
            sends[delivery.number].append(work)
        await asyncio.gather(*map(_in_turn, sends.values()))
        return len(taken)

    async def _linked(self, taken: Sequence[Delivery]) -> list[Delivery]:
        """Texts that version 0.1 queued have no link yet."""
        linked = [self._links.added(delivery) for delivery in taken]
        for delivery, before in zip(linked, taken, strict=True):
            if delivery is not before and delivery.link:
                link = delivery.link.model_dump(exclude_none=True)
                await self._store.deliveries.update({"_id": delivery.id}, {"$set": {"link": link}})
        return linked

    def _judge(
        self,
        delivery: Delivery,
        facts: Facts,
        flood: Flood,
        marketing: MarketingRules,
        checked_at: datetime,
        *,
        is_shown: bool,
    ) -> Callable[[], Awaitable[None]]:
        """What to do with a text: stop list and consent come first, then quiet hours, caps and country. `is_shown`:
        there is a conversation that has to show it."""
        kind = KINDS[delivery.kind]
        if facts.is_paused:
            waits: dict[str, Any] = {"reason": PAUSED, "due_at": checked_at + PAUSED_FOR}
            return partial(self._store_result, delivery, DeliveryState.QUEUED, **waits)
        sender = None if kind.answers else sender_for(delivery.number, facts.workspace.senders)
        reason = kind.refusal(delivery, facts) or sender_refusal(sender, has_link=delivery.link is not None)
        if reason := reason or flood.refusal(delivery):
            return partial(self._block, delivery, reason, checked_at)
        passed = marketing.check(delivery, facts, self.clock())
        if isinstance(passed, Hold):
            return partial(self._hold, delivery, passed, checked_at)
        body, values = self._written(delivery, facts)
        values |= {**passed.values, "checked_at": checked_at}
        values |= {"sender": sender.sender} if sender else {}
        text = Handover(delivery, facts, body, values, passed.quiet_from, sender.sender if sender else None)
        return partial(self._send, text, is_shown=is_shown)

    def _written(self, delivery: Delivery, facts: Facts) -> tuple[str, dict[str, Any]]:
        """Its body, and what is stored of it."""
        kind, url = KINDS[delivery.kind], self._links.url(delivery)
        links = kind.counted_links(delivery, facts)
        short = self._links.short_urls(delivery, len(links))
        body = shortened(kind.body(delivery, facts, url), links, short)
        hashed = sha256(body.encode()).hexdigest()
        values: dict[str, Any] = {"body": self._links.masked(body, url, short), "body_hash": hashed}
        if links:
            values["short_links"] = [link.model_dump() for link in self._links.short_links(delivery, links)]
        return body, values

    async def _hold(self, delivery: Delivery, hold: Hold, checked_at: datetime) -> None:
        if hold.until is None:
            await self._block(delivery, hold.reason, checked_at)
            return
        waits: dict[str, Any] = {"reason": hold.reason, "held_by": hold.rule, "due_at": hold.until}
        await self._store_result(delivery, DeliveryState.QUEUED, **waits, checked_at=checked_at)

    async def _block(self, delivery: Delivery, reason: str, checked_at: datetime, *, was_kept: bool = False) -> None:
        level = logging.WARNING if reason == LOOP_GUARD else logging.INFO
        log.log(level, "text not sent: %s", reason, extra={"delivery": delivery.id})
        values = {"reason": reason, "checked_at": checked_at}
        await self._store_result(delivery, DeliveryState.BLOCKED, was_kept=was_kept, **values)

    async def _send(self, text: Handover, *, is_shown: bool) -> None:
        if is_shown:
            delivery = await self._threads.show(text.delivery, text.values["body"])
            text = replace(text, delivery=delivery, values={**text.values, "part": delivery.part})
        if self._gateway.delivers_on_commit and not text.is_marketing:
            await self._give(text, {**text.values, "handed_at": now()})
            return
        async with self._slots:
            if self._is_resting():
                await self._store_result(text.delivery, DeliveryState.QUEUED, **self._rest)
                return
            if self._is_stale(text):
                await self._store_result(text.delivery, DeliveryState.QUEUED, due_at=now())
                return
            reason = await self._hand_over(text)
            if reason == CLAIM_EXPIRED:
                return
            if reason == CAP_RACE:
                waits = {"reason": "cap", "due_at": after_race()}
                await self._store_result(text.delivery, DeliveryState.QUEUED, was_kept=True, **waits)
            elif reason:
                await self._block(text.delivery, reason, now(), was_kept=True)
            else:
                await self._give(text, {})

    def _is_stale(self, text: Handover) -> bool:
        """Whether it waited too long for its turn: the next round judges it again (law 7)."""
        is_quiet = text.quiet_from is not None and text.quiet_from <= self.clock()
        return is_quiet or now() - text.values["checked_at"] > JUDGED_FOR

    async def _hand_over_round(self, texts: list[Handover]) -> list[str]:
        """Why each can't be sent after all; empty: it can."""
        marked = await self._store.deliveries.hand_over(
            [(text.delivery, text.values) for text in texts], ask_at=now() + ASK_AFTER
        )
        mine = [text for text, is_mine in zip(texts, marked, strict=True) if is_mine]
        late = await self._late.refusals(mine)
        return [late.get(text.delivery.id, CLAIM_EXPIRED) for text in texts]

    async def _give(self, text: Handover, values: dict[str, Any]) -> None:
        """Sends it. `values`: what is stored with the result."""
        delivery = text.delivery
        outgoing = Outgoing(delivery.id, delivery.number, text.body, text.sender, self._valid_for(text))
        try:
            id = await self._gateway.send(outgoing)
        except GatewayError as error:
            await self._refused(delivery, error, values)
        except NoAnswer as error:
            log.warning("text has an unknown fate: %s", error, extra={"delivery": delivery.id})
        except Exception:
            log.exception("text has an unknown fate", extra={"delivery": delivery.id})
        else:
            self.halted = ""
            await self._store_result(delivery, DeliveryState.SENT, **{**values, **provider_id(delivery, id)})

    def _valid_for(self, text: Handover) -> timedelta | None:
        """The provider must not deliver it in quiet hours."""
        own = KINDS[text.delivery.kind].valid_for(text.delivery)
        until_quiet = text.quiet_from - self.clock() if text.quiet_from else None
        return min(filter(None, (own, until_quiet)), default=None)

    async def _refused(self, delivery: Delivery, error: GatewayError, values: dict[str, Any]) -> None:
        """A permanent refusal fails the text; a temporary one requeues it."""
        if error.effect is Effect.HALT:
            self._halt(error.code)
            await self._store_result(delivery, DeliveryState.QUEUED, **values, **self._rest)
            return
        if error.effect is Effect.OPTED_OUT:
            await stop_with_provider(self._stops, delivery)
        elif error.effect is Effect.ALARM:
            log.error("the SMS provider refuses texts: %s", error.code, extra={"delivery": delivery.id})
        attempts = delivery.attempts + 1
        values |= {"reason": error.code, "attempts": attempts, **({"code": error.number} if error.number else {})}
        if error.permanent or attempts >= MOST_ATTEMPTS:
            await self._store_result(delivery, DeliveryState.FAILED, **values)
        else:
            due_at = _next_try(attempts, error.retry_after)
            await self._store_result(delivery, DeliveryState.QUEUED, **values, due_at=due_at)

    # --- while the provider refuses the account

    def _halt(self, reason: str) -> None:
        self._halted_until = now() + HALTED_FOR
        if reason != self.halted:
            log.error("no texts are sent: the SMS provider refuses the account: %s", reason)
        self.halted = reason

    def _is_resting(self) -> bool:
        return bool(self.halted) and self._halted_until is not None and now() < self._halted_until

    @property
    def _rest(self) -> dict[str, Any]:
        """Stored with a text that waits: it doesn't count as an attempt."""
        return {"reason": self.halted, "due_at": self._halted_until}

    async def _store_result(
        self, delivery: Delivery, state: DeliveryState, *, was_kept: bool = False, **values: Any
    ) -> None:
        """If the result can't be stored now, the text stays claimed or handed over. `was_kept`: as in `Result`."""
        await self._settle(Result(delivery.id, delivery.worker or "", state, values, was_kept))
        await self._threads.tell(delivery)


def _wait_after(sent: int) -> float:
    """After a full round, others are waiting."""
    if sent >= AT_ONCE:
        return 0.0
    return BUSY_SECONDS if sent >= BUSY else BATCH_SECONDS


def _next_try(attempts: int, retry_after: float | None) -> datetime:
    """With jitter, so that texts refused together are not retried together."""
    pause = min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE) * uniform(1.0, 1.25)  # noqa: S311 (no secret)
    return now() + timedelta(seconds=max(pause, retry_after or 0.0))


async def _in_turn(sends: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Texts to one number arrive in the order they were written."""
    fault = None
    for send in sends:
        try:
            await send()
        except StoreUnavailable as error:  # the next one was claimed, too
            fault = error
    if fault:
        raise fault
