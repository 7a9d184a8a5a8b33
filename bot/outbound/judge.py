"""Decides what to do with a text now: stop list and consent come first, then quiet hours, caps and country (law 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from bot.compliance.whereabouts import whereabouts
from bot.model.delivery import Delivery
from bot.outbound.cost import bill
from bot.outbound.delivery_links import DeliveryLinks
from bot.outbound.flood import Flood
from bot.outbound.handover import Handover
from bot.outbound.kinds import KINDS, Facts
from bot.outbound.marketing_rules import Hold, MarketingRules
from bot.outbound.senders import sender_for, sender_refusal
from bot.outbound.short_links import shortened
from bot.store.deliveries import PAUSED

PAUSED_FOR = timedelta(hours=1)
"""When a copy of a paused message is judged again, unless the message is resumed before."""


@dataclass(frozen=True, slots=True)
class Block:
    """It is never sent."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postpone:
    """It is judged again then. `values`: what is stored with it besides."""

    reason: str
    until: datetime
    values: dict[str, Any] = field(default_factory=dict)


class Judge:
    def __init__(self, links: DeliveryLinks, clock: Callable[[], datetime]) -> None:
        self._links = links
        self._clock = clock

    def of(
        self, delivery: Delivery, facts: Facts, flood: Flood, marketing: MarketingRules, checked_at: datetime
    ) -> Handover | Postpone | Block:
        kind = KINDS[delivery.kind]
        if facts.is_paused:
            return Postpone(PAUSED, checked_at + PAUSED_FOR)
        sender = None if kind.answers else sender_for(delivery.number, facts.workspace.senders)
        reason = kind.refusal(delivery, facts) or sender_refusal(sender, has_link=delivery.link is not None)
        if reason := reason or flood.refusal(delivery):
            return Block(reason)
        passed = marketing.check(delivery, facts, self._clock())
        if isinstance(passed, Hold):
            return _held(passed, checked_at)
        body, values = self._written(delivery, facts)
        values |= {**passed.values, "checked_at": checked_at}
        values |= {"sender": sender.sender} if sender else {}
        if delivery.message and facts.contact:
            country = whereabouts(delivery.number, facts.contact.time_zone).country
            values |= bill(body, country, facts.workspace.prices)
        return Handover(delivery, facts, body, values, passed.quiet_from, sender.sender if sender else None)

    def _written(self, delivery: Delivery, facts: Facts) -> tuple[str, dict[str, Any]]:
        """Its body, and what is stored of it."""
        kind, url = KINDS[delivery.kind], self._links.url(delivery)
        links = kind.counted_links(delivery, facts)
        short = self._links.short_urls(delivery, len(links))
        body = shortened(kind.body(delivery, facts, url), links, short)
        hashed = sha256(body.encode()).hexdigest()
        values: dict[str, Any] = {"body": self._links.masked(body, url, short), "body_hash": hashed}
        if links:
            values["short_links"] = [link.model_dump() for link in self._links.short_links(delivery, links)]
        return body, values


def _held(hold: Hold, checked_at: datetime) -> Postpone | Block:
    if hold.until is None:
        return Block(hold.reason)
    return Postpone(hold.reason, hold.until, {"held_by": hold.rule, "checked_at": checked_at})
