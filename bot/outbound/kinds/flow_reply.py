"""What a bot flow says in a conversation by text."""

from __future__ import annotations

from bot.errors import marked as _
from bot.model.delivery import Delivery, DeliveryKind
from bot.outbound.kinds.base import Facts, TextLimit
from bot.outbound.kinds.message import Message
from bot.outbound.kinds.question import request


class FlowReply(Message):
    """Like a teammate's reply. With a subscription, it is a form: it asks to reply YES."""

    name = DeliveryKind.FLOW_REPLY
    limit = TextLimit.TALK
    label = _("Bot flow")

    def refusal(self, delivery: Delivery, facts: Facts) -> str | None:
        if reason := super().refusal(delivery, facts):
            return reason
        is_gone = delivery.subscription and (facts.subscription is None or not facts.subscription.is_live)
        return "subscription_not_live" if is_gone else None

    def body(self, delivery: Delivery, facts: Facts, link: str) -> str:
        text = delivery.text or ""
        if not delivery.subscription:
            return text
        workspace = facts.workspace
        links = [url for url in (workspace.terms_url, workspace.privacy_url) if url]
        return "\n".join([text, request(workspace, facts.program, delivery.locale), *links])
