"""Sends texts: recorded first, sent second, the result stored third; handed to the provider at most once (law 8)."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import uniform
from typing import Any

from bot.aio.batching import Batcher
from bot.errors import StoreUnavailable
from bot.model.base import new_id, now
from bot.model.delivery import Delivery, DeliveryState
from bot.outbound.facts import FactReader
from bot.outbound.flood import LOOP_GUARD, Flood
from bot.outbound.gateways.base import Gateway, GatewayError, NotTraceable, Outgoing
from bot.outbound.kinds import KINDS, Facts
from bot.outbound.queue import CLAIMED_FOR, DeliveryQueue
from bot.outbound.threads import TextThreads
from bot.store import Store
from bot.store.deliveries import Result

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
ASK_UNTIL = timedelta(days=1)
"""How long it is asked if it can't be reached."""
NO_ANSWER = {"state": DeliveryState.UNKNOWN, "reason": "no_answer"}
MOST_ATTEMPTS = 12
"""With these pauses, about an hour and a half."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 1200.0
"""Seconds before a temporarily refused text is retried; doubled each time."""


class Sender:
    """Any number of senders can share one queue."""

    def __init__(
        self, store: Store, queue: DeliveryQueue, facts: FactReader, gateway: Gateway, threads: TextThreads
    ) -> None:
        self._store = store
        self._queue = queue
        self._facts = facts
        self._gateway = gateway
        self._threads = threads
        self._links = queue.links
        self._settle: Batcher[Result, None] = Batcher(store.deliveries.settle)

    async def work(self, stop: asyncio.Event) -> None:
        """Sends queued texts until stopped; a started round is finished."""
        polled, wait = -POLL_SECONDS, BATCH_SECONDS
        loop = asyncio.get_running_loop()
        with self._queue.sending():
            while not stop.is_set():
                self._queue.wake.clear()
                await asyncio.sleep(wait)
                is_poll = loop.time() - polled >= POLL_SECONDS
                if is_poll:
                    polled = loop.time()
                    await self.reconcile()
                sent = await self.send_some(poll=is_poll)
                wait = _wait_after(sent)
                if not sent:
                    await _either(self._queue.wake, stop, POLL_SECONDS)
        await self.send_some(poll=False)

    async def send_some(self, *, poll: bool = True) -> int:
        """Sends up to AT_ONCE texts and returns how many it took. `poll`: including those queued in the database."""
        taken = self._queue.take_ready(AT_ONCE)
        if poll and len(taken) < AT_ONCE:
            until = now() + CLAIMED_FOR
            taken += await self._store.deliveries.claim(new_id(), limit=AT_ONCE - len(taken), until=until)
        if not taken:
            return 0
        taken = await self._linked(taken)
        checked_at = now()
        (facts, flood), shown = await asyncio.gather(self._facts.of(taken), self._threads.of(taken))
        sends: defaultdict[str, list[Callable[[], Awaitable[None]]]] = defaultdict(list)
        for delivery in taken:
            try:
                work = self._judge(delivery, facts[delivery.id], flood, checked_at, is_shown=delivery.id in shown)
            except Exception:  # it must not hold up the others
                log.exception("text could not be written", extra={"delivery": delivery.id})
                work = partial(self._refused, delivery, GatewayError("internal_error", permanent=False), {})
            sends[delivery.number].append(work)
        await asyncio.gather(*map(_in_turn, sends.values()))
        return len(taken)

    async def reconcile(self) -> None:
        """Asks the provider about texts that were handed over and never acknowledged (law 8)."""
        for delivery in await self._store.deliveries.unanswered():
            await self._ask(delivery)

    async def _linked(self, taken: Sequence[Delivery]) -> list[Delivery]:
        """Texts that version 0.1 queued have no link yet."""
        linked = [self._links.added(delivery) for delivery in taken]
        for delivery, before in zip(linked, taken, strict=True):
            if delivery is not before and delivery.link:
                link = delivery.link.model_dump(exclude_none=True)
                await self._store.deliveries.update({"_id": delivery.id}, {"$set": {"link": link}})
        return linked

    def _judge(
        self, delivery: Delivery, facts: Facts, flood: Flood, checked_at: datetime, *, is_shown: bool
    ) -> Callable[[], Awaitable[None]]:
        """What to do with a text. `is_shown`: there is a conversation that has to show it."""
        kind = KINDS[delivery.kind]
        if reason := kind.refusal(delivery, facts) or flood.refusal(delivery):
            return partial(self._block, delivery, reason, checked_at)
        url = self._links.url(delivery)
        body = kind.body(delivery, facts, url)
        values = {"body": self._links.masked(body, url), "checked_at": checked_at}
        return partial(self._send, delivery, body, values, is_shown=is_shown)

    async def _block(self, delivery: Delivery, reason: str, checked_at: datetime) -> None:
        level = logging.WARNING if reason == LOOP_GUARD else logging.INFO
        log.log(level, "text not sent: %s", reason, extra={"delivery": delivery.id})
        await self._store_result(delivery, DeliveryState.BLOCKED, reason=reason, checked_at=checked_at)

    async def _send(self, delivery: Delivery, body: str, values: dict[str, Any], *, is_shown: bool) -> None:
        """`values`: what is stored with the result."""
        if is_shown:
            delivery = await self._threads.show(delivery, values["body"])
            values["part"] = delivery.part
        if not self._gateway.delivers_on_commit:
            ask_at = now() + ASK_AFTER
            if not await self._store.deliveries.hand_over(delivery, values, ask_at=ask_at):
                return  # the claim had expired
        try:
            provider_id = await self._gateway.send(Outgoing(delivery.id, delivery.number, body))
        except GatewayError as error:
            await self._refused(delivery, error, values)
        except Exception:
            log.exception("text has an unknown fate", extra={"delivery": delivery.id})
        else:
            await self._store_result(delivery, DeliveryState.SENT, **values, **_provider_id(delivery, provider_id))

    async def _refused(self, delivery: Delivery, error: GatewayError, values: dict[str, Any]) -> None:
        """A permanent refusal fails the text; a temporary one requeues it."""
        attempts = delivery.attempts + 1
        values |= {"reason": error.code, "attempts": attempts}
        if error.permanent or attempts >= MOST_ATTEMPTS:
            await self._store_result(delivery, DeliveryState.FAILED, **values)
        else:
            due_at = _next_try(attempts, error.retry_after)
            await self._store_result(delivery, DeliveryState.QUEUED, **values, due_at=due_at)

    async def _ask(self, delivery: Delivery) -> None:
        answered = partial(self._store.deliveries.answered, delivery)
        try:
            provider_id = await self._gateway.find(delivery.id)
        except NotTraceable:
            await answered(NO_ANSWER)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("the provider can't be asked for a text", extra={"delivery": delivery.id})
            is_over = now() - delivery.created_at > ASK_UNTIL
            await (answered(NO_ANSWER) if is_over else answered({"ask_at": now() + ASK_AFTER}))
        else:
            sent = {"state": DeliveryState.SENT, **_provider_id(delivery, provider_id)} if provider_id else None
            await answered(sent or {"state": DeliveryState.QUEUED, "due_at": now()})
        await self._threads.tell(delivery)

    async def _store_result(self, delivery: Delivery, state: DeliveryState, **values: object) -> None:
        """If the result can't be stored now, the text stays claimed or handed over."""
        await self._settle(Result(delivery.id, delivery.worker or "", state, values))
        await self._threads.tell(delivery)


def _wait_after(sent: int) -> float:
    """After a full round, others are waiting."""
    if sent >= AT_ONCE:
        return 0.0
    return BUSY_SECONDS if sent >= BUSY else BATCH_SECONDS


def _provider_id(delivery: Delivery, id: str) -> dict[str, str]:
    return {} if id == delivery.id else {"provider_id": id}


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


async def _either(one: asyncio.Event, other: asyncio.Event, seconds: float) -> bool:
    """Whether one of them was set within this time."""
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    done, pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending:
        wait.cancel()
    return bool(done)
