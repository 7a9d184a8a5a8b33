"""Webhooks out: where notifications go, the notifications with their attempts, and the lanes that keep their order."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from bot.model.base import Document, Value


class Topic(StrEnum):
    """What an endpoint can subscribe to. The values are public. Those that Intercom has too have its names."""

    PING = "ping"
    CONSENT_RECORDED = "consent.recorded"
    GRANULAR_SUBSCRIBE = "granular.subscribe"
    GRANULAR_UNSUBSCRIBE = "granular.unsubscribe"
    CONTACT_SUBSCRIBED = "contact.subscribed"
    CONTACT_UNSUBSCRIBED = "contact.unsubscribed"
    """Like the two before, of email subscriptions alone."""
    LEAD_CREATED = "contact.lead.created"
    LEAD_UPDATED = "contact.lead.updated"
    USER_CREATED = "contact.user.created"
    USER_UPDATED = "contact.user.updated"
    EMAIL_UPDATED = "contact.email.updated"
    LEAD_TAGGED = "contact.lead.tag.created"
    LEAD_UNTAGGED = "contact.lead.tag.deleted"
    USER_TAGGED = "contact.user.tag.created"
    USER_UNTAGGED = "contact.user.tag.deleted"
    CONTACT_ARCHIVED = "contact.archived"
    CONTACT_UNARCHIVED = "contact.unarchived"
    CONTACT_MERGED = "contact.merged"
    CONTACT_DELETED = "contact.deleted"
    CONVERSATION_CREATED = "conversation.user.created"
    CONTACT_REPLIED = "conversation.user.replied"
    TEAMMATE_REPLIED = "conversation.admin.replied"
    BOT_REPLIED = "conversation.operator.replied"
    TEAMMATE_NOTED = "conversation.admin.noted"
    ASSIGNED = "conversation.admin.assigned"
    CLOSED = "conversation.admin.closed"
    REOPENED = "conversation.admin.opened"
    SNOOZED = "conversation.admin.snoozed"
    WOKE = "conversation.admin.unsnoozed"
    FLOW_EVENT = "flow.event"
    """A bot flow reached a step that calls a webhook."""
    DELIVERY_SENT = "delivery.sent"
    DELIVERY_DELIVERED = "delivery.delivered"
    DELIVERY_FAILED = "delivery.failed"
    DELIVERY_BLOCKED = "delivery.blocked"
    DELIVERY_UNKNOWN = "delivery.unknown"


class DisabledBy(StrEnum):
    TEAMMATE = "teammate"
    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """Every attempt failed for days."""


class WebhookSecret(Value):
    """Signing takes the key itself, so it is stored as it is."""

    id: str
    secret: str
    """`whsec_` and 32 random bytes in Base64, as Standard Webhooks writes it."""
    created_at: datetime
    created_by: str = ""
    """The teammate's name."""


class WebhookEndpoint(Document):
    """Where notifications of some topics are posted to."""

    url: str
    name: str = ""
    topics: tuple[str, ...]
    """Values of `Topic`, perhaps of another version."""
    secrets: tuple[WebhookSecret, ...]
    """The oldest first; two at most, so that a receiver can change its secret without a gap."""
    active_since: datetime
    """What happened before is not sent: when it was added, or enabled again."""
    topic_starts: dict[str, datetime] = Field(default_factory=dict)
    """The same of topics that were chosen later."""
    disabled_at: datetime | None = None
    disabled_by: DisabledBy | None = None
    failing_since: datetime | None = None
    """When attempts began to fail; missing after a success."""
    removed_at: datetime | None = None
    created_at: datetime

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None and self.removed_at is None

    def starts(self, topic: str) -> datetime:
        """What happened before is not sent."""
        return max(self.active_since, self.topic_starts.get(topic, self.active_since))

    @property
    def is_stopped_by_us(self) -> bool:
        """Disabled after failures rather than by an admin, so admins see a notice."""
        return self.disabled_by in {DisabledBy.GONE, DisabledBy.FAILING}


class WebhookAttempt(Value):
    at: datetime
    url: str
    status: int | None = None
    """Missing: no answer came, and `error` says why."""
    error: str = ""
    """A code, see `bot.webhooks.client`."""
    milliseconds: int = 0
    answer: str = ""
    """The beginning of the body."""


class NotificationState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookNotification(Document):
    """One occurrence for one endpoint. `_id` is derived from both, so it is queued once and keeps its id in every
    attempt. Deleted after thirty days."""

    endpoint: str
    lane: str
    contact: str = ""
    topic: str
    item: dict[str, Any]
    """`data.item` of the body."""
    order: str
    """Its place in the lane."""
    at: datetime
    """When it happened."""
    state: NotificationState = NotificationState.PENDING
    tries: int = 0
    """Attempts since it was queued or replayed."""
    attempts: tuple[WebhookAttempt, ...] = ()
    """The newest ones, the oldest of them first."""
    first_sent_at: datetime | None = None
    delivered_at: datetime | None = None
    created_at: datetime


class WebhookLane(Document):
    """The notifications of one contact for one endpoint leave one after the other. `_id` is endpoint and contact."""

    endpoint: str
    due_at: datetime | None = None
    """When a worker may claim it. Missing: nothing is pending."""
    worker: str | None = None
    """The claim that sends from it."""
    version: int = 0
    """Incremented when something is queued, so that no worker parks a lane that isn't empty."""
    touched_at: datetime
