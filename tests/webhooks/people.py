"""Builders: an endpoint of a receiver, and a Sayso that may reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bot.app import Bot, make_bot
from bot.config import Settings
from bot.model.base import new_id
from bot.model.teammate import By
from bot.model.webhook import Topic, WebhookEndpoint, WebhookNotification
from bot.store import Store
from tests.webhooks.receiver import Receiver
from widget.webhooks.client import running

ADA = By("ada", "Ada")
LOOPBACK = "127.0.0.0/8"


async def endpoint_of(bot: Bot, receiver: Receiver, *topics: Topic) -> WebhookEndpoint:
    wanted = topics or (Topic.GRANULAR_SUBSCRIBE,)
    return (await bot.webhooks.add(receiver.url, "Test", wanted, ADA, id=new_id())).endpoint


@asynccontextmanager
async def at_work(settings: Settings, store: Store) -> AsyncIterator[Bot]:
    """A process with all its background work."""
    bot = await make_bot(settings, store, "http://sayso.test")
    async with running(bot):
        yield bot


async def all_of(bot: Bot, endpoint: WebhookEndpoint) -> Sequence[WebhookNotification]:
    """The newest first."""
    return (await bot.webhooks.notifications(endpoint.id, None, None)).items
