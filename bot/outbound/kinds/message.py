"""A teammate's reply by text."""

from __future__ import annotations

from bot.consent.numbers import address_of
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.subscription import MessageType
from bot.outbound.kinds.base import Facts, TextKind, TextLimit


class Message(TextKind):
    """A reply to somebody who texted us needs no further consent (CTIA, exhibit II). A STOP blocks it too."""

    name = DeliveryKind.MESSAGE
    answers = True
    limit = TextLimit.NONE

    def refusal(self, delivery: Delivery, facts: Facts) -> str | None:
        if facts.is_stopped:
            return "stopped"
        if facts.contact is None:
            return "contact_gone"
        address = address_of(facts.contact, MessageType.SMS)
        if address is None:
            return "no_valid_number"
        return None if address == delivery.number else "number_changed"

    def body(self, delivery: Delivery, facts: Facts, link: str) -> str:
        return delivery.body or ""
