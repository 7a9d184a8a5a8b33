"""Queues the text that confirms an answer or asks for a YES."""

from __future__ import annotations

from collections.abc import Sequence

from bot.events.consumers.base import Consumer
from bot.model.event import ConsentEvent
from bot.outbound.queue import DeliveryQueue


class QueueTexts(Consumer):
    name = "texts"

    def __init__(self, deliveries: DeliveryQueue) -> None:
        self._deliveries = deliveries

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        await self._deliveries.queue_for(events)

    async def unhandled(self, events: Sequence[ConsentEvent]) -> Sequence[ConsentEvent]:
        return await self._deliveries.unqueued(events)
