"""What notifications say, in the shapes of Intercom's API where it has one: pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.model.contact import Contact
from bot.model.conversation import AuthorKind, Conversation, Note, Part, Text
from bot.model.conversation_event import ConversationEvent
from bot.model.delivery import Delivery
from bot.model.event import ConsentEvent
from bot.model.subscription import Subscription, Translation
from bot.model.webhook import Topic, WebhookNotification

Item = dict[str, Any]
CONSENT_FIELDS = {
    "contact", "seq", "subscription", "action", "source", "actor", "number", "email", "was", "state", "grade",
    "stopped", "words", "evidence", "flow", "flow_version", "flow_step", "merged_into", "merged_from", "hash",
    "previous",
}  # fmt: skip
"""Of a consent event. Where the person was (IP address, browser, page) stays in the ledger."""
AUTHORS = {AuthorKind.CONTACT: "user", AuthorKind.TEAMMATE: "admin", AuthorKind.BOT: "bot"}


def unix(time: datetime | None) -> int | None:
    return int(time.timestamp()) if time else None


def contact_item(contact: Contact) -> Item:
    return {
        "type": "contact",
        "id": contact.id,
        "external_id": contact.external_id,
        "role": contact.role.value,
        "email": contact.email,
        "phone": contact.phone,
        "name": contact.name,
        "created_at": unix(contact.created_at),
        "updated_at": unix(contact.updated_at),
        "last_seen_at": unix(contact.last_seen_at),
        "language_override": contact.locale,
        "custom_attributes": contact.attributes,
        "tags": {"type": "list", "data": [{"type": "tag", "id": tag} for tag in contact.tags]},
    }


def contact_reference(id: str) -> Item:
    return {"type": "contact", "id": id}


def subscription_item(subscription: Subscription) -> Item:
    own = subscription.words(subscription.language)
    translations = {subscription.language: own, **subscription.translations}
    return {
        "type": "subscription",
        "id": subscription.id,
        "state": subscription.state.value,
        "consent_type": subscription.consent_type.value,
        "default_translation": _translation(own, subscription.language),
        "translations": [_translation(words, locale) for locale, words in translations.items()],
        "content_types": ["sms_message" if subscription.message_type == "sms" else "email"],
    }


def _translation(words: Translation, locale: str) -> Item:
    return {"name": words.name, "description": words.description, "locale": locale}


def consent_item(event: ConsentEvent) -> Item:
    """The entry of the ledger, with the exact words that were shown."""
    fields = event.model_dump(mode="json", exclude_none=True, include=CONSENT_FIELDS)
    return {"type": "consent_event", "id": event.event, "created_at": unix(event.at), **fields}


def change_item(kind: str, contact: Contact, subscription: Subscription, event: ConsentEvent) -> Item:
    """Of a subscription that begins or ends: `kind` is `granular_subscribe`, or one of its siblings."""
    return {
        "type": kind,
        "contact": contact_item(contact),
        "subscription_type": subscription_item(subscription),
        "consent_event_id": event.event,
        "created_at": unix(event.at),
    }


def conversation_item(conversation: Conversation, part: Part | None = None) -> Item:
    parts = [part_item(part)] if part else []
    return {
        "type": "conversation",
        "id": conversation.id,
        "created_at": unix(conversation.created_at),
        "updated_at": unix(conversation.updated_at),
        "state": conversation.state.value,
        "open": conversation.state.value == "open",
        "admin_assignee_id": conversation.assignee or None,
        "source": {"type": "sms" if conversation.channel == "sms" else "conversation"},
        "contacts": {"type": "contact.list", "contacts": [contact_reference(conversation.contact)]},
        "conversation_parts": {
            "type": "conversation_part.list",
            "conversation_parts": parts,
            "total_count": len(parts),
        },
    }


def part_item(part: Part) -> Item:
    return {
        "type": "conversation_part",
        "id": part.id,
        **_content(part),
        "created_at": unix(part.at),
        "author": {"type": AUTHORS[part.author.kind], "id": part.author.id},
    }


def _content(part: Part) -> Item:
    match part.content:
        case ConversationEvent(name=name, to=to):
            assigned = {"assigned_to": {"type": "admin", "id": to}} if to else {}
            return {"part_type": name.value, "body": None, **assigned}
        case Text(text=text):
            return {"part_type": "comment", "body": text}
        case Note(text=text):
            return {"part_type": "note", "body": text}
    return {"part_type": "comment", "body": None}


def delivery_item(delivery: Delivery) -> Item:
    """Without its number and its text: the contact has them."""
    return {
        "type": "delivery",
        "id": delivery.id,
        "contact": contact_reference(delivery.contact) if delivery.contact else None,
        "kind": delivery.kind.value,
        "state": delivery.state.value,
        "provider_status": delivery.status.value if delivery.status else None,
        "reason": delivery.reason,
        "subscription_id": delivery.subscription or None,
        "message_id": delivery.message,
        "consent_event_id": delivery.event if delivery.subscription else None,
        "created_at": unix(delivery.created_at),
        "updated_at": unix(delivery.updated_at),
    }


def flow_item(
    contact: Contact,
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
        "contact": contact_item(contact),
        "created_at": unix(at),
    }


def envelope(notification: WebhookNotification, app: str) -> Mapping[str, Any]:
    """The body of a request, as Intercom sends it. `app` names the workspace."""
    item = {"type": "notification_event_data", "item": notification.item}
    sent = unix(notification.first_sent_at) or 0
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
