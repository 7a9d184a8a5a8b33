"""What happened, by topic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from bot.model.base import iso
from bot.model.contact import ConsentState, Role
from bot.model.conversation import OUTBOUND, AuthorKind, Conversation, Note, Part, Text
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.model.delivery import Delivery, DeliveryState
from bot.model.event import Action, ConsentEvent
from bot.model.subscription import MessageType, Subscription
from bot.model.tag import Tag
from bot.model.webhook import Topic, WebhookEndpoint, WebhookNotification
from bot.shapes.consent_event import event_notice
from bot.shapes.contact import ContactAnswer
from bot.shapes.conversation import ConversationAnswer
from bot.shapes.delivery import delivery_answer
from bot.store.webhook_changes import StoreChange
from bot.webhooks.items import TOPIC_ITEMS, Item, change_item, contact_reference, item_of, tag_item

Name = ConversationEventName
OF_EVENT = frozenset(
    {
        Topic.CONSENT_RECORDED,
        Topic.GRANULAR_SUBSCRIBE,
        Topic.GRANULAR_UNSUBSCRIBE,
        Topic.CONTACT_SUBSCRIBED,
        Topic.CONTACT_UNSUBSCRIBED,
        Topic.EMAIL_UPDATED,
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
BY_TAG = {Role.LEAD: (Topic.LEAD_TAGGED, Topic.LEAD_UNTAGGED), Role.USER: (Topic.USER_TAGGED, Topic.USER_UNTAGGED)}
BY_AUTHOR = {
    AuthorKind.CONTACT: Topic.CONTACT_REPLIED,
    AuthorKind.TEAMMATE: Topic.TEAMMATE_REPLIED,
    AuthorKind.BOT: Topic.BOT_REPLIED,
}
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


def of_event(event: ConsentEvent, contact: ContactAnswer | None, subscription: Subscription | None) -> list[Occurrence]:
    return [
        Occurrence(topic, event.event, event.contact, item, event.at, place_in_time(event.at, event.seq, step))
        for step, (topic, item) in enumerate(_topics_of_event(event, contact, subscription))
    ]


def _topics_of_event(
    event: ConsentEvent, contact: ContactAnswer | None, subscription: Subscription | None
) -> Iterator[tuple[Topic, Item]]:
    if event.action is Action.ERASE:
        yield Topic.CONTACT_DELETED, {**contact_reference(event.contact), "deleted": True}
        return
    yield Topic.CONSENT_RECORDED, item_of(event_notice(event))
    if changes_email(event) and contact:
        yield Topic.EMAIL_UPDATED, item_of(contact)
    if event.merged_from and contact:
        yield Topic.CONTACT_MERGED, {**item_of(contact), "merged_from": contact_reference(event.merged_from)}
    if event.state in BY_STATE and event.changes_state and contact and subscription:
        granular, plain = BY_STATE[event.state]
        yield granular, change_item(TOPIC_ITEMS[granular], contact, subscription, event)
        if subscription.message_type is MessageType.EMAIL:
            yield plain, change_item(TOPIC_ITEMS[plain], contact, subscription, event)


def changes_email(event: ConsentEvent) -> bool:
    """Whether the contact got another address by it, or lost theirs."""
    is_given = event.action is Action.CHANGE_ADDRESS and event.email is not None
    return is_given or "email" in (event.clears or ())


def of_contact(contact: ContactAnswer, change: StoreChange, order: str, tags: Mapping[str, Tag]) -> list[Occurrence]:
    """Created or updated; also archived, unarchived, tagged or untagged."""
    item, found = item_of(contact), list[tuple[Topic, str, Item]]()
    created, updated = BY_ROLE[contact.role]
    if change.is_new:
        found.append((created, contact.id, item))
    elif change.is_edited:
        found.append((updated, change.key, item))
    if change.archived is not None:
        found.append((Topic.CONTACT_ARCHIVED if change.archived else Topic.CONTACT_UNARCHIVED, change.key, item))
    for topic, ids in zip(BY_TAG[contact.role], (change.tagged, change.untagged), strict=True):
        found += [(topic, f"{change.key}:{id}", tag_item(contact, tags[id], change.at)) for id in ids if id in tags]
    return [
        Occurrence(topic, cause, contact.id, item, change.at, f"{order}{step}")
        for step, (topic, cause, item) in enumerate(found)
    ]


def of_opening(conversation: Conversation, answer: ConversationAnswer, at: datetime, order: str) -> Occurrence:
    return Occurrence(Topic.CONVERSATION_CREATED, conversation.id, conversation.contact, item_of(answer), at, order)


def of_part(part: Part, conversation: Conversation, answer: ConversationAnswer, order: str) -> Occurrence | None:
    """None: no topic has such entries."""
    topic = topic_of_part(part)
    if topic is None:
        return None
    return Occurrence(topic, part.id, conversation.contact, item_of(answer), part.at, order)


def topic_of_part(part: Part) -> Topic | None:
    """None: no topic has such entries."""
    match part.content:
        case Text():
            return None if part.author == OUTBOUND else BY_AUTHOR[part.author.kind]
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
    return Occurrence(topic, f"{delivery.id}{attempt}", delivery.contact, item_of(delivery_answer(delivery)), at, order)
