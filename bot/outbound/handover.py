"""A text that may be sent, and what is asked again once it is marked as handed over.

Whatever could have changed since it was judged is read after the mark: the consent, a pause or cancellation of its
message, the person's wishes, the workspace's countries and senders, texts of other workers to the same number, and last
of all, once it is its turn, the stop list and whether the person's ledger has a newer event. Of two workers that mark
texts to one number, at least one sees the other's mark, so neither a cap nor a person's wish is exceeded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import uniform
from typing import Any

from bot.compliance.whereabouts import whereabouts
from bot.model.base import now
from bot.model.delivery import Delivery
from bot.model.pace import NO_PACE
from bot.model.stop import Stop
from bot.outbound.facts import FactReader, rules_of, stop_facts
from bot.outbound.kinds import KINDS, Facts
from bot.outbound.marketing_rules import MarketingRules

CHECKED_FOR = timedelta(seconds=0.25)
"""How long the late checks of caps, a pause and the workspace hold while a text waits for its turn. What the person
said is read again in any case."""
CLAIM_EXPIRED, CAP_RACE, JUDGE_AGAIN, CHANGED = "claim_expired", "cap_race", "judge_again", "changed"


@dataclass(frozen=True, slots=True)
class Handover:
    """A text that may be sent, as of `facts`. `values`: what is stored with it."""

    delivery: Delivery
    facts: Facts
    body: str
    values: dict[str, Any]
    quiet_from: datetime | None = None
    """When it must have reached the phone."""
    sender: str | None = None

    @property
    def is_marketing(self) -> bool:
        return bool(self.values.get("is_marketing"))


class LateChecks:
    def __init__(self, facts: FactReader, clock: Callable[[], datetime]) -> None:
        self._facts = facts
        self._clock = clock

    async def refusals(self, texts: Sequence[Handover]) -> dict[str, str]:
        """By delivery, why it can't be sent after all; empty: it can, unless its number is stopped."""
        judged = [(text.delivery, text.facts) for text in texts]
        unchanged, rules = await asyncio.gather(self._facts.unchanged(judged), self._facts.since_judged(judged))
        changed = await self._judged_again([text for text in texts if text.delivery.id not in unchanged])
        return {
            text.delivery.id: changed.get(text.delivery.id) or self._cap_refusal(text, text.facts, rules)
            for text in texts
        }

    async def last_refusals(self, texts: Sequence[tuple[Handover, datetime]]) -> list[str]:
        """Asked right before each is sent: the stop list, whether the ledger has a newer event of the person (CHANGED:
        it does), and all the rest if it was checked too long ago. Each has the time of that."""
        late = now() - CHECKED_FOR
        waited = [text for text, checked_at in texts if checked_at < late]
        reasons = await self.refusals(waited) if waited else {}
        stops, changed = await asyncio.gather(
            self._facts.stops([text.delivery for text, _ in texts]),
            self._facts.with_newer_events([text.facts for text, _ in texts]),
        )
        return [
            reasons.get(text.delivery.id)
            or _stop_refusal(text, stops.get(text.delivery.number))
            or (CHANGED if text.facts.contact and text.facts.contact.id in changed else "")
            for text, _ in texts
        ]

    async def refusal(self, text: Handover) -> str:
        """Judges it again by the currently stored data, reading the stop list last. Empty: it can be sent."""
        return (await self._judged_again([text]))[text.delivery.id]

    async def _judged_again(self, texts: Sequence[Handover]) -> dict[str, str]:
        if not texts:
            return {}
        facts, rules = await self._facts.permission([text.delivery for text in texts])
        return {text.delivery.id: self._refusal(text, facts[text.delivery.id], rules) for text in texts}

    def _refusal(self, text: Handover, facts: Facts, rules: MarketingRules) -> str:
        delivery, contact = text.delivery, facts.contact
        if reason := KINDS[delivery.kind].refusal(delivery, facts):
            return reason
        if facts.is_paused or _grounds(text.facts, delivery) != _grounds(facts, delivery):
            return JUDGE_AGAIN
        if delivery.may_be_marketing and contact and contact.pace.is_paused(self._clock()):
            return "paused_by_person"
        return self._cap_refusal(text, facts, rules)

    def _cap_refusal(self, text: Handover, facts: Facts, rules: MarketingRules) -> str:
        if not text.is_marketing:
            return ""
        contact, delivery = facts.contact, text.delivery
        where = whereabouts(delivery.number, contact.time_zone if contact else None)
        pace = contact.pace if contact else NO_PACE
        return CAP_RACE if rules.is_over_cap(delivery, where, facts.program, self._clock(), pace) else ""


def _stop_refusal(text: Handover, stop: Stop | None) -> str:
    facts = replace(text.facts, **stop_facts(stop))
    if facts == text.facts:
        return ""
    return KINDS[text.delivery.kind].refusal(text.delivery, facts) or JUDGE_AGAIN


def _grounds(facts: Facts, delivery: Delivery) -> tuple[object, ...]:
    """What the judgment rests on besides: what the contact said (stored as its proof), where they live, and the
    workspace's countries and senders."""
    contact = facts.contact
    own = (contact.consent(delivery.subscription), contact.time_zone) if contact else ()
    return *own, *rules_of(facts.workspace)


def after_race() -> datetime:
    """When to judge texts again that blocked each other. The times differ, so that one can go first."""
    return now() + timedelta(seconds=uniform(0.5, 3.0))  # noqa: S311 (no secret)
