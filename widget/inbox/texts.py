"""What their entries in a thread say of texts and of outbound messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from bot.i18n import Translator
from bot.model.conversation import Conversation, Part
from bot.model.delivery import Delivery, DeliveryState
from bot.outbound.chat_rules import message_of
from bot.outbound.kinds import KINDS
from widget.outbound.results import reason_words
from widget.web.http import BOT


async def texts_of(
    request: web.Request, parts: Sequence[Part], conversation: Conversation, say: Translator
) -> Mapping[str, dict[str, Any]]:
    """By part, the fields of its thread entry, in one query."""
    if conversation.number is None:
        return await _chat_messages(request, parts, conversation.contact, say)
    found = await request.app[BOT].threads.deliveries_of(parts)
    return {part: _entry(delivery, say) for part, delivery in found.items()}


async def _chat_messages(
    request: web.Request, parts: Sequence[Part], contact: str, say: Translator
) -> Mapping[str, dict[str, Any]]:
    """Entries of outbound messages in a chat name them."""
    ids = {part.id: id for part in parts if (id := message_of(part))}
    dismissed = await request.app[BOT].chat_delivery.dismissed(contact, parts)
    found = await request.app[BOT].store.outbound_messages.get_many(set(ids.values()))
    return {
        part: {
            "label": say("Sent as chat message “%(name)s”", name=found[id].name),
            **({"texted": say("Dismissed by the person")} if id in dismissed else {}),
        }
        for part, id in ids.items()
        if id in found
    }


def _entry(delivery: Delivery, say: Translator) -> dict[str, Any]:
    story = f"/outbound/deliveries/{delivery.id}"
    return {"label": _label(delivery, say), "story": story, **_state(delivery, say)}


def _label(delivery: Delivery, say: Translator) -> str:
    label = KINDS[delivery.kind].label
    return say(label) if label else ""


def _state(delivery: Delivery, say: Translator) -> dict[str, Any]:
    """The delivery state of a text, and whether it is a failure to show."""
    match delivery.state:
        case DeliveryState.QUEUED if delivery.reason:
            return {"texted": _with_reason(say("Waiting"), delivery, say)}
        case DeliveryState.QUEUED | DeliveryState.SENDING:
            return {"texted": say("Sending")}
        case DeliveryState.SENT:
            return {"texted": say("Delivered as a text") if delivery.is_delivered else say("Sent as a text")}
        case DeliveryState.UNKNOWN:
            return {"texted": say("Delivery unconfirmed. It may have arrived."), "is_bad": True}
        case DeliveryState.BLOCKED if delivery.reason == "stopped":
            return {"texted": say("Not sent: this number opted out with STOP"), "is_bad": True}
        case DeliveryState.BLOCKED | DeliveryState.FAILED:
            return {"texted": _with_reason(say("Not sent"), delivery, say), "is_bad": True}


def _with_reason(result: str, delivery: Delivery, say: Translator) -> str:
    if not delivery.reason:
        return result
    return say("%(result)s: %(reason)s", result=result, reason=reason_words(delivery.reason, delivery.code, say))
