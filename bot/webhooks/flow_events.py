"""Notifications that bot flows send."""

from __future__ import annotations

from collections.abc import Mapping

from bot.model.base import now
from bot.model.webhook import Topic
from bot.shapes.contact import ContactShapes
from bot.store import Store
from bot.webhooks.items import flow_item
from bot.webhooks.occurrences import Occurrence, place_in_time
from bot.webhooks.outbox import WebhookOutbox


class FlowEvents:
    def __init__(self, store: Store, outbox: WebhookOutbox) -> None:
        self._store = store
        self._outbox = outbox
        self._shapes = ContactShapes(store)

    async def notify(
        self,
        conversation: str,
        contact: str,
        event: str,
        values: Mapping[str, str],
        key: str,
        *,
        flow: str,
        version: int,
    ) -> None:
        """Queues a notification for each endpoint that wants flow events; one for each `key`."""
        known = await self._store.contacts.get(contact)
        if known is None or known.is_gone:
            return
        time, shape = now(), await self._shapes.of(known)
        item = flow_item(shape, conversation, event, values, time, flow=flow, version=version)
        await self._outbox.add([Occurrence(Topic.FLOW_EVENT, key, contact, item, time, place_in_time(time, 0))])
