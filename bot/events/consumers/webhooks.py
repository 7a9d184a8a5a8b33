"""Queues the notifications of endpoints that subscribe to consent events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.events.consumers.base import Consumer
from bot.model.event import ConsentEvent
from bot.shapes.contact import ContactShapes
from bot.store import Store
from bot.webhooks.occurrences import OF_EVENT, of_event
from bot.webhooks.outbox import WebhookOutbox


class QueueWebhooks(Consumer):
    name = "webhooks"

    def __init__(self, store: Store, outbox: WebhookOutbox) -> None:
        self._store = store
        self._outbox = outbox
        self._shapes = ContactShapes(store)

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        if not self._outbox.wants(OF_EVENT):
            return
        people, subscriptions = await asyncio.gather(
            self._store.contacts.get_many(event.contact for event in events),
            self._store.subscriptions.get_many(event.subscription for event in events if event.subscription),
        )
        shapes = {shape.id: shape for shape in await self._shapes.of_many([*people.values()])}
        await self._outbox.add(
            [
                occurrence
                for event in events
                for occurrence in of_event(
                    event, shapes.get(event.contact), subscriptions.get(event.subscription or "")
                )
            ]
        )

    async def unhandled(self, events: Sequence[ConsentEvent]) -> Sequence[ConsentEvent]:
        """All of them: this process may have learned of an endpoint later than the one that handled them."""
        return events if self._outbox.wants(OF_EVENT) else []
