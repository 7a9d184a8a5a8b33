"""What notifications say, in the shapes of the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.model.event import ConsentEvent
from bot.model.subscription import Subscription
from bot.model.tag import Tag
from bot.model.webhook import Topic, WebhookNotification
from bot.shapes.base import ApiAnswer, unix
from bot.shapes.contact import ContactAnswer
from bot.shapes.subscription import type_answer
from bot.shapes.tag import tag_answer

Item = dict[str, Any]


def item_of(answer: ApiAnswer) -> Item:
    return answer.model_dump(mode="json", by_alias=True)


def contact_reference(id: str) -> Item:
    return {"type": "contact", "id": id}


def change_item(kind: str, contact: ContactAnswer, subscription: Subscription, event: ConsentEvent) -> Item:
    """Of a subscription that begins or ends: `kind` is `granular_subscribe`, or one of its siblings."""
    return {
        "type": kind,
        "contact": item_of(contact),
        "subscription_type": item_of(type_answer(subscription)),
        "consent_event_id": event.event,
        "created_at": unix(event.at),
    }


def tag_item(contact: ContactAnswer, tag: Tag, at: datetime) -> Item:
    return {"type": "contact_tag", "created_at": unix(at), "tag": item_of(tag_answer(tag)), "contact": item_of(contact)}


def flow_item(
    contact: ContactAnswer,
    conversation: str,
    event: str,
    values: Mapping[str, str],
    at: datetime,
    *,
    flow: str,
    version: int,
) -> Item:
    """Of a step in a bot flow that calls a webhook."""
    return {
        "type": "flow_event",
        "name": event,
        "values": dict(values),
        "flow_id": flow,
        "flow_version": version,
        "conversation_id": conversation,
        "contact": item_of(contact),
        "created_at": unix(at),
    }


def envelope(notification: WebhookNotification, app: str) -> Mapping[str, Any]:
    """The body of a request, as Intercom sends it. `app` names the workspace."""
    item = {"type": "notification_event_data", "item": notification.item}
    sent = unix(notification.first_sent_at) if notification.first_sent_at else 0
    return {
        "type": "notification_event",
        "app_id": app,
        "data": item,
        "links": {},
        "id": notification.id,
        "topic": notification.topic,
        "delivery_status": "pending",
        "delivery_attempts": notification.tries + 1,
        "delivered_at": 0,
        "first_sent_at": sent,
        "created_at": unix(notification.at),
        "self": None,
    }


PING: Item = {"type": "ping", "message": "Sayso can reach this endpoint."}
TOPIC_ITEMS = {
    Topic.GRANULAR_SUBSCRIBE: "granular_subscribe",
    Topic.GRANULAR_UNSUBSCRIBE: "granular_unsubscribe",
    Topic.CONTACT_SUBSCRIBED: "contact_subscribe",
    Topic.CONTACT_UNSUBSCRIBED: "contact_unsubscribe",
}
