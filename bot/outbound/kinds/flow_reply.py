"""What a bot flow says in a conversation by text."""

from __future__ import annotations

from datetime import timedelta

from bot.errors import marked as _
from bot.model.base import now
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.subscription import MessageType
from bot.outbound.kinds.base import Facts, TextLimit
from bot.outbound.kinds.message import Message
from bot.outbound.kinds.question import request

ANSWERS_FOR = timedelta(hours=24)
"""How long after a text of the contact it is a reply, which needs no further consent."""


class FlowReply(Message):
    """Like a teammate's reply, but only to a text of the last day: nobody reads it before it is sent. With a
    subscription, it is a form: it asks to reply YES."""

    name = DeliveryKind.FLOW_REPLY
    limit = TextLimit.TALK
    label = _("Bot flow")

    def refusal(self, delivery: Delivery, facts: Facts) -> str | None:
        if reason := super().refusal(delivery, facts):
            return reason
        if delivery.heard_at is None or now() - delivery.heard_at >= ANSWERS_FOR:
            return "too_late"
        return _form_refusal(facts) if delivery.subscription else None

    def body(self, delivery: Delivery, facts: Facts, link: str) -> str:
        text = delivery.text or ""
        if not delivery.subscription:
            return text
        workspace = facts.workspace
        links = [url for url in (workspace.terms_url, workspace.privacy_url) if url]
        return "\n".join([text, request(workspace, facts.program, delivery.locale), *links])


def _form_refusal(facts: Facts) -> str | None:
    if facts.subscription is None or not facts.subscription.is_live:
        return "subscription_not_live"
    return None if facts.subscription.message_type is MessageType.SMS else "not_by_text"
