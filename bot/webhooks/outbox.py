"""The outbox: a notification of each change for each endpoint that subscribes to it, queued once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.aio.waiting import ends_before
from bot.chat.feed import WEBHOOKS, Feed
from bot.model.base import now
from bot.model.webhook import Topic, WebhookEndpoint, WebhookNotification
from bot.store import Store
from bot.store.webhooks import lanes_of
from bot.webhooks.occurrences import Occurrence


class WebhookOutbox:
    """`endpoints`: those that are enabled, as far as this process knows. It costs nothing while there are none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.endpoints: tuple[WebhookEndpoint, ...] = ()
        self.stopped: tuple[WebhookEndpoint, ...] = ()
        """Those that Sayso disabled itself."""
        self.queued = asyncio.Event()
        """Set when something was queued here, or the endpoints changed."""

    async def load(self) -> None:
        """Reads the endpoints."""
        found = await self._store.webhook_endpoints.present()
        self.endpoints = tuple(endpoint for endpoint in found if endpoint.is_enabled)
        self.stopped = tuple(endpoint for endpoint in found if endpoint.is_stopped_by_us)
        self.queued.set()

    def wants(self, topics: frozenset[Topic]) -> bool:
        return any(not topics.isdisjoint(endpoint.topics) for endpoint in self.endpoints)

    async def follow(self, feed: Feed, stop: asyncio.Event) -> None:
        """Reads them again whenever any process changed one, until stopped."""
        with feed.follow(WEBHOOKS) as follower:
            await self.load()
            while await ends_before(stop, follower.next()):
                await self.load()

    async def add(self, occurrences: Sequence[Occurrence]) -> None:
        """Idempotent. A notification is stored before its lane is woken, so a crash between them is repaired by the
        same call again."""
        time = now()
        await self.queue(
            [
                one.notification(endpoint, time)
                for one in occurrences
                for endpoint in self.endpoints
                if one.topic in endpoint.topics and one.at >= endpoint.starts(one.topic)
            ]
        )

    async def queue(self, notifications: Sequence[WebhookNotification]) -> None:
        if notifications:
            await self._store.webhook_notifications.insert_many(notifications)
            await self.wake(notifications)

    async def wake(self, notifications: Sequence[WebhookNotification], *, is_urgent: bool = False) -> None:
        await self._store.webhook_lanes.wake(lanes_of(notifications), is_urgent=is_urgent)
        self.queued.set()
