"""Asks the provider about texts that it did not acknowledge: they may have been sent (law 8)."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bot.errors import StoreUnavailable
from bot.model.base import now
from bot.model.delivery import Delivery, DeliveryState
from bot.outbound.delivery_links import DeliveryLinks
from bot.outbound.gateways.base import Gateway, NoAnswer, NotTraceable, Outgoing
from bot.outbound.threads import TextThreads
from bot.store import Store

log = logging.getLogger("sayso.outbound")

AT_ONCE = 16
"""Texts that are asked about concurrently."""
ASK_AGAIN = timedelta(seconds=60)
ASK_UNTIL = timedelta(days=1)
"""How long to keep asking a provider that can't tell."""
NO_ANSWER = {"state": DeliveryState.UNKNOWN, "reason": "no_answer"}


class Reconciler:
    def __init__(self, store: Store, links: DeliveryLinks, gateway: Gateway, threads: TextThreads) -> None:
        self._store = store
        self._links = links
        self._gateway = gateway
        self._threads = threads

    async def run(self) -> None:
        """One worker asks about each text. Texts to one number come after each other: they may be alike."""
        alike: defaultdict[str, list[Delivery]] = defaultdict(list)
        for delivery in await self._store.deliveries.unanswered():
            alike[delivery.number].append(delivery)
        at_once = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._ask_all(deliveries, at_once) for deliveries in alike.values()))

    async def _ask_all(self, deliveries: Sequence[Delivery], at_once: asyncio.Semaphore) -> None:
        async with at_once:
            for delivery in deliveries:
                ask_at = now() + ASK_AGAIN
                if await self._store.deliveries.ask_again(delivery, ask_at):
                    await self._ask(delivery.model_copy(update={"ask_at": ask_at}))

    async def _ask(self, delivery: Delivery) -> None:
        try:
            answer = await self._answer(delivery)
        except NotTraceable:
            answer = NO_ANSWER
        except StoreUnavailable:
            raise
        except Exception as error:
            handed_at = delivery.handed_at or delivery.created_at
            if now() - handed_at <= ASK_UNTIL:
                _note(delivery, error)
                return
            answer = NO_ANSWER
        await self._store.deliveries.answered(delivery, answer)
        await self._threads.tell(delivery)

    async def _answer(self, delivery: Delivery) -> dict[str, Any]:
        """The change for a text, by the provider's answer: it sent the text, or never received it.

        Raises NotTraceable if it has a text that is none of ours: it may be this one, with other words.
        """
        text = Outgoing(delivery.id, delivery.number, self._links.shown(delivery))
        handed_at = delivery.handed_at or delivery.updated_at
        for id in await self._unclaimed(delivery, await self._gateway.find(text, handed_at)):
            return {"state": DeliveryState.SENT, **provider_id(delivery, id)}
        if await self._unclaimed(delivery, await self._gateway.all_to(delivery.number, handed_at)):
            raise NotTraceable
        return {"state": DeliveryState.QUEUED, "due_at": now()}

    async def _unclaimed(self, delivery: Delivery, ids: Sequence[str]) -> list[str]:
        """Without those of other texts, and of its own earlier attempts."""
        others = await self._store.deliveries.with_provider_ids(ids)
        others |= dict.fromkeys(delivery.earlier_ids, "")
        return [id for id in ids if others.get(id, delivery.id) == delivery.id]


def provider_id(delivery: Delivery, id: str) -> dict[str, str]:
    return {} if id == delivery.id else {"provider_id": id}


def _note(delivery: Delivery, error: Exception) -> None:
    told = {"delivery": delivery.id}
    if isinstance(error, NoAnswer):
        log.info("the provider can't tell yet: %s", error, extra=told)
    else:
        log.error("the provider can't be asked for a text", exc_info=error, extra=told)
