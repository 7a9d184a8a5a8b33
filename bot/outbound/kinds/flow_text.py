"""A text that a bot flow sends to people who opted in."""

from __future__ import annotations

from bot.errors import marked as _
from bot.model.delivery import Delivery, DeliveryKind
from bot.outbound.kinds.base import Facts, TextKind, TextLimit, sending_refusal
from bot.outbound.kinds.outbound import opt_out_text


class FlowText(TextKind):
    """Like a copy of an outbound message, for one person. Limited, so that a looping flow can't flood a phone."""

    name = DeliveryKind.FLOW
    limit = TextLimit.FLOW
    label = _("Bot flow")

    def has_link(self, delivery: Delivery) -> bool:
        return True

    def refusal(self, delivery: Delivery, facts: Facts) -> str | None:
        return sending_refusal(delivery, facts)

    def body(self, delivery: Delivery, facts: Facts, link: str) -> str:
        return f"{delivery.text or ''}\n{opt_out_text(facts.workspace, delivery.locale, link)}"
