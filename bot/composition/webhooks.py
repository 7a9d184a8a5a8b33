"""Webhooks out."""

from __future__ import annotations

from bot.composition.management import ManagementArea
from bot.config import Settings
from bot.store import Store
from bot.webhooks.addresses import networks_in
from bot.webhooks.endpoints import WebhookEndpoints
from bot.webhooks.outbox import WebhookOutbox
from bot.webhooks.sender import WebhookSender
from bot.webhooks.source import WebhookSource


class WebhookArea(ManagementArea):
    def __init__(self, settings: Settings, store: Store, secret: str, public_url: str) -> None:
        super().__init__(settings, store, secret, public_url)
        self.outbox = WebhookOutbox(store)
        self.webhooks = WebhookEndpoints(store, self.outbox, networks_in(settings.webhook_networks))
        self.webhook_sender = WebhookSender(store, self.outbox, settings.database)
        self.webhook_source = WebhookSource(store, self.outbox)
