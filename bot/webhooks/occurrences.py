"""What happened, by topic: pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from bot.model.base import iso
from bot.model.contact import ConsentState, Contact, Role
from bot.model.conversation import AuthorKind, Conversation, Note, Part, Text
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.model.delivery import Delivery, DeliveryState
from bot.model.event import Action, ConsentEvent
from bot.model.subscription import MessageType, Subscription
from bot.model.webhook import Topic, WebhookEndpoint, WebhookNotification
from bot.webhooks.items import (
    TOPIC_ITEMS,
    Item,
    change_item,
    consent_item,
    contact_item,
    contact_reference,
    conversation_item,
    delivery_item,
)

Name = ConversationEventName
OF_EVENT = frozenset(
    {
        Topic.CONSENT_RECORDED,
        Topic.GRANULAR_SUBSCRIBE,
        Topic.GRANULAR_UNSUBSCRIBE,
        Topic.CONTACT_SUBSCRIBED,
        Topic.CONTACT_UNSUBSCRIBED,
        Topic.CONTACT_MERGED,
        Topic.CONTACT_DELETED,
    }
)
"""Topics that follow from consent events."""
OF_CHANGE = frozenset(Topic) - OF_EVENT - {Topic.PING, Topic.FLOW_EVENT}
"""Topics that follow from changes of other documents."""
BY_STATE = {
    ConsentState.OPTED_IN: (Topic.GRANULAR_SUBSCRIBE, Topic.CONTACT_SUBSCRIBED),
    ConsentState.OPTED_OUT: (Topic.GRANULAR_UNSUBSCRIBE, Topic.CONTACT_UNSUBSCRIBED),
}
BY_ROLE = {Role.LEAD: (Topic.LEAD_CREATED, Topic.LEAD_UPDATED), Role.USER: (Topic.USER_CREATED, Topic.USER_UPDATED)}
BY_NAME = {
    Name.ASSIGNED: Topic.ASSIGNED,
    Name.CLOSED: Topic.CLOSED,
    Name.REOPENED: Topic.REOPENED,
    Name.SNOOZED: Topic.SNOOZED,
    Name.WOKE: Topic.WOKE,
}
BY_DELIVERY = {
    "sent": Topic.DELIVERY_SENT,
    "delivered": Topic.DELIVERY_DELIVERED,
    "failed": Topic.DELIVERY_FAILED,
    "undelivered": Topic.DELIVERY_FAILED,
    "canceled": Topic.DELIVERY_FAILED,
    "blocked": Topic.DELIVERY_BLOCKED,
    "unknown": Topic.DELIVERY_UNKNOWN,
}
"""By what the delivery's state, or the provider's status, became."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """`cause` is unique within its topic. `order`: see `WebhookNotification`."""

    topic: Topic
    cause: str
    contact: str
    item: Item
    at: datetime
    order: str

    def notification(self, endpoint: WebhookEndpoint, time: datetime) -> WebhookNotification:
        name = sha256(f"{endpoint.id}:{self.topic}:{self.cause}".encode()).hexdigest()
        return WebhookNotification(
            id=f"notif_{name[:32]}",
            endpoint=endpoint.id,
            lane=f"{endpoint.id}:{self.contact or self.cause}",
            contact=self.contact,
            topic=self.topic,
            item=self.item,
            order=self.order,
            at=self.at,
            created_at=time,
        )


def place_in_time(time: datetime, number: int, step: int = 0) -> str:
    """Sorts by time, then by number."""
    return f"{iso(time)}:{number:010d}:{step}"


def of_event(event: ConsentEvent, contact: Contact | None, subscription: Subscription | None) -> list[Occurrence]:
    return [
        Occurrence(topic, event.event, event.contact, item, event.at, place_in_time(event.at, event.seq, step))
        for step, (topic, item) in enumerate(_topics_of_event(event, contact, subscription))
    ]


def _topics_of_event(
    event: ConsentEvent, contact: Contact | None, subscription: Subscription | None
) -> Iterator[tuple[Topic, Item]]:
    if event.action is Action.ERASE:
        yield Topic.CONTACT_DELETED, {**contact_reference(event.contact), "deleted": True}
        return
    yield Topic.CONSENT_RECORDED, consent_item(event)
    if event.merged_from and contact:
        yield (
            Topic.CONTACT_MERGED,
            {**contact_item(contact), "merged_from": contact_reference(event.merged_from)},
        )
    if event.state in BY_STATE and event.changes_state and contact and subscription:
        granular, plain = BY_STATE[event.state]
        yield granular, change_item(TOPIC_ITEMS[granular], contact, subscription, event)
        if subscription.message_type is MessageType.EMAIL:
            yield plain, change_item(TOPIC_ITEMS[plain], contact, subscription, event)


def of_contact(contact: Contact, cause: str, at: datetime, order: str, *, is_new: bool) -> Occurrence:
    created, updated = BY_ROLE[contact.role]
    return Occurrence(created if is_new else updated, cause, contact.id, contact_item(contact), at, order)


def of_opening(conversation: Conversation, at: datetime, order: str) -> Occurrence:
    item = conversation_item(conversation)
    return Occurrence(Topic.CONVERSATION_CREATED, conversation.id, conversation.contact, item, at, order)


def of_part(part: Part, conversation: Conversation, order: str) -> Occurrence | None:
    """None: no topic has such entries."""
    topic = _topic_of_part(part)
    if topic is None:
        return None
    return Occurrence(topic, part.id, conversation.contact, conversation_item(conversation, part), part.at, order)


def _topic_of_part(part: Part) -> Topic | None:
    match part.content:
        case Text():
            kinds = {AuthorKind.CONTACT: Topic.CONTACT_REPLIED, AuthorKind.TEAMMATE: Topic.TEAMMATE_REPLIED}
            return kinds.get(part.author.kind)
        case Note():
            return Topic.TEAMMATE_NOTED
        case ConversationEvent(name=name):
            return BY_NAME.get(name)
    return None


def of_delivery(delivery: Delivery, became: str, at: datetime, order: str) -> Occurrence | None:
    """`became`: the new state, or the provider's new status. None: no topic has it."""
    topic = BY_DELIVERY.get(became)
    if topic is None:
        return None
    attempt = f":{delivery.attempts}" if became == DeliveryState.SENT else ""
    return Occurrence(topic, f"{delivery.id}{attempt}", delivery.contact, delivery_item(delivery), at, order)
