"""The texts that bot flows send."""

from __future__ import annotations

from bot.outbound.queue import DeliveryQueue
from bot.store import Store


class FlowTexts:
    def __init__(self, store: Store, deliveries: DeliveryQueue) -> None:
        self._store = store
        self._deliveries = deliveries

    async def send(self, contact: str, subscription: str, text: str, key: str, *, flow: str, locale: str) -> None:
        """Queues a text of a subscription; one for each `key`. Permission is asked when it is sent (law 7)."""
        known = await self._store.contacts.get(contact)
        if known and not known.is_gone:
            await self._deliveries.flow_text(known, subscription, text, key, flow=flow, locale=locale)
